// @ts-check
// Says in the console that a guest was refused, because the widget would say nothing.

import { complainOnce } from "./environment.js";

/**
 * LiveChat's widget never hears of a rejection: it waits, and nobody knows why.
 * @param {import("./options.js").ReadOptions} options
 * @returns {<T extends Promise<any>>(answer: T) => T}
 */
export const advising = ({ wanted, guests }) => {
  if (wanted !== "token" || guests) return (answer) => answer;
  /** @param {any} error */
  const advise = ({ code }) => {
    if (code !== "NOT_SIGNED_IN") return;
    complainOnce(
      "the source says that nobody is signed in, so LiveChat's chat waits for ever: for guests use connectLiveChat, or give the option guests, a source of theirs",
    );
  };
  /** What was looked at last: a token from the cache is the same promise, call after call. @type {Promise<any> | undefined} */
  let latest;
  return (answer) => {
    if (answer !== latest) (latest = answer).then(undefined, advise);
    return answer;
  };
};
