// @ts-check
// The guard around each call of the core, and promises that settle even if the core traps.

import { Promise, after, cancel, monotonicNow } from "./environment.js";
import { IdentityError } from "./error.js";
import { endLease } from "./lease.js";
import { quiet, refusal } from "./promise.js";

/** Promises that still wait. @type {Set<Deferred>} */
const waiting = new Set();
/** What the core trapped with; from then on its memory can't be trusted. @type {IdentityError | undefined} */
let trapped;

/** @param {unknown} [cause] */
const trapError = (cause) =>
  new IdentityError("WASM_TRAPPED", "the WebAssembly core crashed; reload the page", { cause });

/** A promise that the core settles; a deadline settles it where the core can't any more. A rejection that nobody listens to does not count as unhandled. */
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
