// @ts-check
// The one error class.

import { attempt, complainOnce } from "./environment.js";

const brand = Symbol.for("custom-identity-provider/error");

/** Two copies of this package on one page recognise each other's errors by the brand. */
export class IdentityError extends Error {
  // A field is defined, not assigned: where a page froze `Error.prototype`, an assignment of `name` throws.
  name = /** @type {const} */ ("IdentityError");

  /**
   * @param {import("../index.js").IdentityErrorCode} code
   * @param {string} message
   * @param {{cause?: unknown, retryable?: boolean, status?: number, retryAfter?: number}} [details]
   */
  constructor(code, message, details = {}) {
    super(message, "cause" in details ? { cause: details.cause } : undefined);
    this.code = code;
    this.retryable = details.retryable === true;
    if (details.status !== undefined) this.status = details.status;
    if (details.retryAfter !== undefined) this.retryAfter = details.retryAfter;
    Object.defineProperty(this, brand, { value: true });
  }

  /**
   * @param {unknown} value
   * @returns {value is IdentityError}
   */
  static [Symbol.hasInstance](value) {
    // A subclass is recognised like any class: the brand says nothing about it.
    if (this !== IdentityError) return super[Symbol.hasInstance](value);
    return typeof value === "object" && value !== null && attempt(() => brand in value) === true;
  }
}

/**
 * An IdentityError from the core; a status or retryAfter below zero means that there is none.
 * @param {import("../index.js").IdentityErrorCode} code
 * @param {string} message
 * @param {unknown} cause
 * @param {boolean} retryable
 * @param {number} status
 * @param {number} retryAfter
 */
export const identityError = (code, message, cause, retryable, status, retryAfter) =>
  new IdentityError(code, message, {
    ...(cause === undefined ? {} : { cause }),
    retryable,
    ...(status < 0 ? {} : { status }),
    ...(retryAfter < 0 ? {} : { retryAfter }),
  });

/**
 * A wrong option, which is said in the console, too: whoever sets a widget up may swallow what is thrown. Its name, and what was expected of it.
 * @param {string} name
 * @param {string} expected
 */
export const badOption = (name, expected) => {
  const message = `the option ${name} is wrong: expected ${expected}`;
  complainOnce(message);
  return new IdentityError("BAD_OPTION", message);
};
