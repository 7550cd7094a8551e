// @ts-check
// A JSON Web Token taken apart (RFC 7519), for the core to read. Nobody checks its signature here.

import { TextDecoder, attempt, bytesOfBase64 } from "./environment.js";
import { ownFields } from "./kind.js";

/** What is read in a header or among the claims. */
const READ = ["alg", "iat", "exp", "iss", "sub"];

/**
 * What is read of the object that a part of a JWT holds; empty where it does not decode.
 * @param {string} part
 * @returns {any}
 */
const decode = (part) =>
  ownFields(
    attempt(() => JSON.parse(new TextDecoder().decode(bytesOfBase64(part)))),
    READ,
  );

/**
 * A JWT in parts. The claims of an encrypted token can't be read, but those that its maker repeated in the header (RFC 7519, section 5.3).
 * @param {string} token
 */
export const takeApart = (token) => {
  const parts = token.split(".");
  const header = decode(parts[0]);
  const { iat, exp, iss, sub } = parts.length === 5 ? header : decode(parts[1] ?? "");
  return { token, parts: parts.length, alg: header.alg, iat, exp, iss, sub };
};
