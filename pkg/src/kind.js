// @ts-check
// What a value from outside is, for the core to read and for its error messages.

/** @param {unknown} value */
export const isRecord = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** Which of the core's kinds a value is: the order is that of `KINDS` in `src/browser/fields.rs`. @param {unknown} value */
export const kindOf = (value) =>
  value === null
    ? 1
    : Array.isArray(value)
      ? 6
      : value instanceof Promise
        ? 7
        : value instanceof Response
          ? 8
          : ["undefined", "", "string", "number", "boolean", "object", "", "", "", "function"].indexOf(typeof value) >>> 0;
