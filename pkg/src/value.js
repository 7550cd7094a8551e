// @ts-check
// Finds out what a value from outside is, for the core to read and for its error messages.

import { attempt } from "./environment.js";

/** @param {unknown} value */
const isArray = (value) => attempt(() => Array.isArray(value)) === true;

/** @param {unknown} value */
export const isRecord = (value) => typeof value === "object" && value !== null && !isArray(value);

/** Which of the core's types a value is of: the order is that of `TYPES` in `src/browser/fields.rs`. Runs no code of the page. @param {unknown} value */
export const typeOf = (value) =>
  value === null
    ? 1
    : isArray(value)
      ? 6
      : ["undefined", "", "string", "number", "boolean", "object", "", "", "", "function", "symbol"].indexOf(
          typeof value,
        ) >>> 0;

/** The same for an answer as a whole, from any frame's realm or polyfill: a promise and a Response are recognised, too. @param {any} value */
export const typeOfAnswer = (value) => {
  const type = typeOf(value);
  if (type !== 5) return type;
  if (attempt(() => typeof value.then) === "function") return 7;
  return attempt(() => typeof value.json) === "function" ? 8 : type;
};

/** An object of its own fields alone, whatever a page has put into `Object.prototype`. @template {object} T @param {T} fields @returns {T} */
export const bare = (fields) => Object.assign(Object.create(null), fields);

/** Takes the place of a field whose getter threw. */
const unreadable = Symbol();

/**
 * A copy of the known fields of an object from outside, its own ones only: getters and Proxies run here, once, and not while the core reads.
 * @param {any} value
 * @param {readonly string[]} names
 * @returns {Record<string, unknown>}
 */
export const ownFields = (value, names) => {
  /** @type {Record<string, unknown>} */
  const copy = Object.create(null);
  for (const name of names) {
    try {
      if (Object.prototype.hasOwnProperty.call(value, name)) copy[name] = value[name];
    } catch {
      copy[name] = unreadable;
    }
  }
  return copy;
};
