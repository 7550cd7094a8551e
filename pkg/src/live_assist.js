// @ts-check
// Live Assist, and LivePerson beneath it: a function that is called by name, with a callback, for a JWT or an authorization code.
// Documents: Live Assist, "Authenticated Chats" and "Sign-on flows"; LivePerson, "Detailed API" for the code flow's object, its proof key and
// its own forms of failure.

import { DEADLINE, answerOnce, isNobody, within } from "./callback.js";
import { provide } from "./engine.js";
import { abortController, complain } from "./environment.js";
import { notify } from "./event.js";
import { LIVE_ASSIST, watched } from "./live_person.js";
import { given } from "./options.js";
import { withOptions } from "./widget.js";

/** @typedef {import("../index.js").LiveAssistOptions} Options */

/** Live Assist with the proof key that one call's code is bound to. */
const BOUND = /* @__PURE__ */ withOptions(LIVE_ASSIST, {
  codeChallenge: [
    (challenge) => (/^[\w.~-]{43,128}$/.test(challenge) ? String(challenge) : undefined),
    "43 to 128 characters of base64url",
  ],
});

/** What stands in the token's place when there is none. @param {Options["failureForm"]} failureForm */
const nothing = (failureForm) => (failureForm === "empty_object" ? {} : failureForm === "empty_string" ? "" : null);

/** Why there is no token, for the person who wanted to chat. @param {any} error */
const reason = (error) =>
  isNobody(error)
    ? "Please sign in to start a chat."
    : error.retryable
      ? "Your sign-in cannot be confirmed at the moment. Please try again later."
      : "Your sign-in could not be confirmed.";

/**
 * @param {Options} options
 * @returns {import("../index.js").AuthoriseChatWithCallback}
 */
export const authoriseChatWithCallback = (options) => {
  const provider = provide(LIVE_ASSIST, options);
  const { flow, failureForm, signIn, signInTimeout = 300_000, onEvent } = given(options);
  /** @param {string} type @param {object} details */
  const tell = (type, details) => {
    if (onEvent) notify(onEvent, type, LIVE_ASSIST.name, details);
  };
  /** The page asks one person to sign in, however many calls wait for it. @type {Promise<boolean> | undefined} */
  let signingIn;
  const signsIn = async () => {
    const abort = abortController();
    try {
      tell("sign_in_asked", {});
      return (await within(signInTimeout, () => signIn?.({ signal: abort.signal }))) === true;
    } catch (error) {
      complain("custom-identity-provider: signIn failed", error);
      return false;
    } finally {
      abort.abort();
      signingIn = undefined;
    }
  };
  /** @type {import("../index.js").AuthoriseChatWithCallback} */
  const authorise = (callback, codeChallenge) => {
    const ask = () =>
      within(DEADLINE, () => {
        const isBound = flow === "code" && codeChallenge != null;
        // The challenge belongs to this call alone; the handle that carries it shares the session of all others.
        const asked = isBound ? provide(BOUND, { ...options, codeChallenge }) : provider;
        return asked.getToken();
      });
    answerOnce(
      callback,
      () =>
        ask().catch(async (error) => {
          if (!isNobody(error) || !signIn || !(await (signingIn ??= signsIn()))) throw error;
          provider.signedIn();
          return ask();
        }),
      (token) => [token],
      (error) => [nothing(failureForm), reason(error)],
      (error) => tell("widget_answered", error ? { ok: false, code: /** @type {any} */ (error).code } : { ok: true }),
    );
  };
  return watched(options, authorise);
};
