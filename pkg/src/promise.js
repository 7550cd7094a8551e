// @ts-check
// Promises that settle even if the core traps, and the guard around each call of the core.

import { Promise, abortReason, after, attempt, cancel, monotonicNow } from "./environment.js";
import { IdentityError } from "./error.js";
import { endLease } from "./lease.js";

/** Promises that still wait. @type {Set<Deferred>} */
const waiting = new Set();
/** What the core trapped with; from then on its memory can't be trusted. @type {IdentityError | undefined} */
let trapped;

/** @param {unknown} [cause] */
const trapError = (cause) =>
  new IdentityError("WASM_TRAPPED", "the WebAssembly core crashed; reload the page", { cause });

/** A promise that the core settles; a deadline settles it where the core can't any more. A rejection that nobody listens to is no unhandled one. */
export class Deferred {
  /** @param {number} limit milliseconds within which the core promises to settle it */
  constructor(limit) {
    /** @type {Promise<unknown>} */
    this.promise = quiet(
      new Promise((resolve, reject) => {
        this.settle = { resolve, reject };
      }),
    );
    const end = monotonicNow() + limit;
    const watch = () => {
      const left = end - monotonicNow();
      if (left > 0) this.timer = after(watch, left);
      else this.reject(trapError());
    };
    watch();
    waiting.add(this);
  }

  /** @param {unknown} value */
  resolve(value) {
    this.close();
    this.settle?.resolve(value);
  }

  /** @param {unknown} error */
  reject(error) {
    this.close();
    this.settle?.reject(error);
  }

  /** Nobody waits any longer. */
  close() {
    cancel(this.timer);
    waiting.delete(this);
  }
}

/**
 * A promise whose rejection is no unhandled one when nobody listens to it.
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

/**
 * Calls the core, which may change its mind. A trap rejects everyone who still waits, this call, and every later one.
 * @template T
 * @param {() => T} call
 * @returns {T | Promise<never>}
 */
export const guard = (call) => {
  endLease();
  if (!trapped) {
    try {
      return call();
    } catch (cause) {
      endLease();
      trapped = trapError(cause);
      for (const deferred of waiting) deferred.reject(trapped);
    }
  }
  return refusal(trapped);
};

/** What a signal was aborted with: Safari before 15.4 keeps no reason. @param {AbortSignal} signal */
export const reasonOf = (signal) => attempt(() => signal.reason) ?? abortReason();

/**
 * A promise of its own for a caller with a signal: the signal ends this wait only.
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
