// @ts-check
// Promises that settle even if the core traps, and the guard around each call of the core.

import { IdentityError } from "./error.js";

/** The longest timer there is: setTimeout takes 31 bits, and runs at once beyond them. */
export const LONGEST_TIMER = 2 ** 31 - 1;

/** Promises that still wait. @type {Set<Deferred>} */
const waiting = new Set();
/** What the core trapped with; from then on its memory can't be trusted. @type {IdentityError | undefined} */
let trapped;

/** @param {unknown} [cause] */
const trapError = (cause) => new IdentityError("WASM_TRAPPED", "the WebAssembly core crashed; reload the page", { cause });

/** A promise that the core settles; a deadline settles it where the core can't any more. A rejection that nobody listens to is no unhandled one. */
export class Deferred {
  /** @param {number} limit milliseconds within which the core promises to settle it */
  constructor(limit) {
    /** @type {Promise<unknown>} */
    this.promise = new Promise((resolve, reject) => {
      this.settle = { resolve, reject };
    });
    this.promise.catch(() => {});
    const end = performance.now() + limit;
    const watch = () => {
      const left = end - performance.now();
      if (left > 0) this.timer = setTimeout(watch, Math.min(left, LONGEST_TIMER));
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
    clearTimeout(this.timer);
    waiting.delete(this);
  }
}

/**
 * A rejected promise that is no unhandled rejection when nobody listens to it.
 * @param {unknown} error
 * @returns {Promise<never>}
 */
export const refusal = (error) => {
  const promise = Promise.reject(error);
  promise.catch(() => {});
  return promise;
};

/**
 * Calls the core. A trap rejects everyone who still waits, this call, and every later one.
 * @template T
 * @param {() => T} call
 * @returns {T | Promise<never>}
 */
export const guard = (call) => {
  if (!trapped) {
    try {
      return call();
    } catch (cause) {
      trapped = trapError(cause);
      for (const deferred of waiting) deferred.reject(trapped);
    }
  }
  return refusal(trapped);
};

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
    const abort = () => {
      reject(signal.reason);
      leave();
    };
    signal.addEventListener("abort", abort, { once: true });
    const close = () => signal.removeEventListener("abort", abort);
    promise.then(resolve, reject).then(close);
  });
  own.catch(() => {});
  return own;
};
