// @ts-check
// What the WebAssembly core needs of JavaScript: the error class, promises that settle even if the core traps, and the guard around each call.

const brand = Symbol.for("custom-identity-provider/error");

/** The one error class; two copies of this package on one page recognise each other's errors by the brand. */
export class IdentityError extends Error {
  /**
   * @param {import("../index.js").IdentityErrorCode} code
   * @param {string} message
   * @param {{cause?: unknown, retryable?: boolean, status?: number, retryAfter?: number}} [details]
   */
  constructor(code, message, details = {}) {
    super(message, "cause" in details ? { cause: details.cause } : undefined);
    this.name = /** @type {const} */ ("IdentityError");
    this.code = code;
    this.retryable = details.retryable === true;
    if (details.status !== undefined) this.status = details.status;
    if (details.retryAfter !== undefined) this.retryAfter = details.retryAfter;
    Object.defineProperty(this, brand, { value: true });
  }

  /** @param {unknown} value */
  static [Symbol.hasInstance](value) {
    return typeof value === "object" && value !== null && brand in value;
  }
}

/** Promises that still wait. @type {Set<Deferred>} */
const waiting = new Set();
/** What the core trapped with; from then on its memory can't be trusted. @type {IdentityError | undefined} */
let trapped;

/** A promise that the core settles; a deadline settles it where the core can't any more. A rejection that nobody listens to is no unhandled one. */
export class Deferred {
  /** @param {number} limit milliseconds within which the core promises to settle it */
  constructor(limit) {
    this.promise = new Promise((resolve, reject) => {
      this.settleWith = { resolve, reject };
    });
    this.promise.catch(() => {});
    // A limit beyond setTimeout's 31 bits is checked again when the longest timer there is has run.
    const end = Date.now() + limit;
    const watch = () => {
      const left = end - Date.now();
      if (left > 0) this.timer = setTimeout(watch, Math.min(left, 2 ** 31 - 1));
      else this.reject(trapError());
    };
    watch();
    waiting.add(this);
  }

  /** @param {unknown} value */
  resolve(value) {
    this.close();
    this.settleWith?.resolve(value);
  }

  /** @param {unknown} error */
  reject(error) {
    this.close();
    this.settleWith?.reject(error);
  }

  close() {
    clearTimeout(this.timer);
    waiting.delete(this);
  }
}

/** @param {unknown} [cause] */
const trapError = (cause) => new IdentityError("WASM_TRAPPED", "the WebAssembly core crashed; reload the page", { cause });

/**
 * Calls the core. A trap rejects this call, everyone who still waits, and every later call.
 * @template T
 * @param {() => Promise<T>} call
 * @returns {Promise<T>}
 */
export const guard = (call) => {
  if (trapped) return Promise.reject(trapped);
  try {
    return call();
  } catch (cause) {
    trapped = trapError(cause);
    for (const deferred of waiting) deferred.reject(trapped);
    return Promise.reject(trapped);
  }
};
