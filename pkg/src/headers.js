// @ts-check
// Headers, in any of the usual forms.

import { attempt } from "./environment.js";

/** Headers in whatever form: a Headers, a Map, pairs or a plain object. @param {any} headers @returns {[string, unknown][]} */
export const pairsOf = (headers) => attempt(() => [...headers]) ?? attempt(() => Object.entries(headers)) ?? [];

/** What is expected of them. */
export const HEADERS = "an object of texts, a Headers, a Map, pairs, or a function that answers with one of these";

/**
 * Headers from any of the usual forms (an object of texts, a Headers, a Map or pairs); undefined if they are none of these.
 * @param {any} headers
 * @returns {Record<string, string> | undefined}
 */
export const readHeaders = (headers) => {
  if (typeof headers !== "object" || headers === null) return undefined;
  const read = Object.create(null);
  for (const pair of pairsOf(headers)) {
    const [name, value] = Array.isArray(pair) && pair.length === 2 ? pair : [];
    if (value === undefined && name !== undefined) continue;
    if (typeof name !== "string" || typeof value !== "string") return undefined;
    read[name] = value;
  }
  return read;
};
