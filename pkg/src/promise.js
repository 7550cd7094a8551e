// @ts-check
// Promises: rejections that nobody listens to, and waits that a caller's own signal ends.

import { Promise, abortReason, attempt } from "./environment.js";

/**
 * A promise whose rejection does not count as unhandled if nobody listens to it.
 * @template {Promise<any>} T
 * @param {T} promise
 * @returns {T}
 */
export const quiet = (promise) => {
  promise.catch(() => {});
  return promise;
};

/** @param {unknown} error @returns {Promise<never>} */
export const refusal = (error) => quiet(Promise.reject(error));

/** What a signal was aborted with: Safari before 15.4 does not keep the reason. @param {AbortSignal} signal */
export const reasonOf = (signal) => attempt(() => signal.reason) ?? abortReason();

/**
 * A separate promise for a caller with a signal: the signal ends only this caller's wait.
 * @template T
 * @param {Promise<T>} promise
 * @param {AbortSignal} signal
 * @param {() => void} leave told when the caller leaves
 * @returns {Promise<T>}
 */
export const leavable = (promise, signal, leave) => {
  /** @type {Promise<T>} */
  const own = new Promise((resolve, reject) => {
    let isOver = false;
    const abort = () => {
      if (isOver) return;
      isOver = true;
      reject(reasonOf(signal));
      leave();
    };
    attempt(() => signal.addEventListener("abort", abort, { once: true }));
    // Page code that ran during the call may have aborted it already: then there is no event any more.
    if (attempt(() => signal.aborted)) abort();
    const close = () => {
      isOver = true;
      attempt(() => signal.removeEventListener("abort", abort));
    };
    promise.then(resolve, reject).then(close);
  });
  return quiet(own);
};
