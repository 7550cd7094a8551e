// @ts-check
// A JSON Web Token taken apart (RFC 7519), for the core to read. Nobody checks its signature here.

import { isRecord } from "./kind.js";

/**
 * The object that a part of a JWT holds; empty where it does not decode.
 * @param {string} part
 * @returns {any}
 */
const decode = (part) => {
  try {
    const bytes = Uint8Array.from(atob(part.replace(/-/g, "+").replace(/_/g, "/")), (character) => character.charCodeAt(0));
    return Object(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    return {};
  }
};

/**
 * What the core reads of an answer that is a JWT, or holds one as `token`; anything else comes back as it is. The claims of an
 * encrypted token can't be read, but those that its maker repeated in the header (RFC 7519, section 5.3).
 * @param {any} answer
 */
export const takeApart = (answer) => {
  const token = isRecord(answer) ? answer.token : answer;
  if (typeof token !== "string") return answer;
  const parts = token.split(".");
  const header = decode(parts[0]);
  const { iat, exp, sub } = parts.length === 5 ? header : decode(parts[1] ?? "");
  return { ...(token === answer ? {} : answer), token, parts: parts.length, alg: header.alg, iat, exp, sub };
};
