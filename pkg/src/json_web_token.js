// @ts-check
// A JSON Web Token taken apart (RFC 7519), for the core to read. Nobody checks its signature here.

import { TextDecoder, attempt, bytesOfBase64 } from "./environment.js";
import { bare } from "./value.js";

/** The object that a part of a JWT holds; undefined if it cannot be decoded. @param {string} part @returns {any} */
const decode = (part) => attempt(() => JSON.parse(new TextDecoder().decode(bytesOfBase64(part))));

/**
 * A JWT in parts. The claims of an encrypted token can't be read, except those that its maker repeated in the header (RFC 7519, section 5.3).
 * @param {string} token
 */
export const takeApart = (token) => {
  const parts = token.split(".");
  const header = bare({ ...decode(parts[0]) });
  const claims = parts.length === 5 ? header : decode(parts[1] ?? "");
  return bare({ ...claims, token, parts: parts.length, alg: header.alg });
};
