// @ts-check
// A widget's callback is answered exactly once, within its deadline, whatever happens.

import { Promise, after, cancel, complain } from "./environment.js";
import { IdentityError } from "./error.js";

/** How long a widget is kept waiting: Omnichannel gives up after 10 s. Milliseconds. */
export const DEADLINE = 8_000;

/**
 * The answer to `ask`, or a failure once the deadline has passed.
 * @template T
 * @param {number} deadline milliseconds
 * @param {() => T | Promise<T>} ask
 * @returns {Promise<T>}
 */
export const within = (deadline, ask) =>
  new Promise((resolve, reject) => {
    const timer = after(
      () => reject(new IdentityError("TIMED_OUT", "no answer within the widget's deadline", { retryable: true })),
      deadline,
    );
    const close = () => cancel(timer);
    new Promise((begin) => begin(ask())).then(/** @type {(answer: unknown) => void} */ (resolve), reject).then(close);
  });

/**
 * Whether a failure means that nobody is signed in, or no longer; a cool-down may repeat it.
 * @param {any} error
 */
export const isNobody = (error) =>
  /^(NOT_SIGNED_IN|SIGNED_OUT)$/.test((error.code === "COOLING_DOWN" ? error.cause : error)?.code);

/**
 * Gives an answer to a widget's callback, once, even after a failure or a throw. What the callback throws goes to the console and
 * does no other harm.
 * @template T
 * @param {unknown} callback what the widget passed; anything but a function throws a TypeError at once
 * @param {() => Promise<T>} ask settles in any case
 * @param {(answer: T) => unknown[] | undefined} succeed the callback's arguments for an answer; undefined if it must not be called
 * @param {(error: unknown) => unknown[] | undefined} fail the callback's arguments for a failure, likewise
 * @param {(error?: unknown) => void} told called when the widget was answered, with the failure if there is one
 */
export const answerOnce = (callback, ask, succeed, fail, told) => {
  if (typeof callback !== "function") throw new TypeError("the callback is wrong: expected a function");
  /** @param {unknown[] | undefined} given @param {unknown} [error] */
  const answer = (given, error) => {
    told(error);
    if (!given) return;
    try {
      callback(...given);
    } catch (thrown) {
      complain("custom-identity-provider: the widget's callback threw", thrown);
    }
  };
  ask()
    .then(succeed)
    .then(answer, (error) => answer(fail(error), error));
};
