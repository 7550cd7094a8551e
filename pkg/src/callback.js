// @ts-check
// A widget's callback is answered exactly once, within its deadline, whatever happens.

import { IdentityError } from "./error.js";

/**
 * Asks for an answer and hands it to a widget's callback: once, at the latest at the deadline, also after a failure, a throw, silence
 * or two answers. What the callback throws goes to the console and hurts nobody else.
 * @template T
 * @param {unknown} callback what the widget passed; anything but a function throws a TypeError at once
 * @param {number} deadline milliseconds
 * @param {() => T | Promise<T>} ask
 * @param {(answer: T) => unknown[]} succeed the callback's arguments for an answer
 * @param {(error: unknown) => unknown[]} fail the callback's arguments for a failure
 */
export const answerOnce = (callback, deadline, ask, succeed, fail) => {
  if (typeof callback !== "function") throw new TypeError("the callback is wrong: expected a function");
  let answered = false;
  /** @param {unknown[]} given */
  const answer = (given) => {
    if (answered) return;
    answered = true;
    clearTimeout(timer);
    try {
      callback(...given);
    } catch (error) {
      console.error("custom-identity-provider: the widget's callback threw", error);
    }
  };
  const timer = setTimeout(
    () => answer(fail(new IdentityError("TIMED_OUT", "no answer within the widget's deadline", { retryable: true }))),
    deadline,
  );
  new Promise((resolve) => resolve(ask()))
    .then((found) => succeed(/** @type {T} */ (found)))
    .then(answer, (error) => answer(fail(error)));
};
