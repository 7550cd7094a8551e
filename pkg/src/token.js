// @ts-check
// The token as widgets expect it, a frozen plain object of exactly the documented fields; and what the core reads of answers and records.

import { attempt, complainOnce } from "./environment.js";
import { takeApart } from "./json_web_token.js";
import { bare, isRecord, typeOfAnswer, ownFields } from "./value.js";
import { parse } from "./json.js";

/**
 * @param {[accessToken: string, entityId: string, expiresIn: number, creationDate: number, licenseId: number | null | undefined, organizationId: string | null | undefined]} fields
 * @returns {import("../index.js").Token}
 */
export const tokenOf = ([accessToken, entityId, expiresIn, creationDate, licenseId, organizationId]) => {
  const token = {
    accessToken,
    entityId,
    expiresIn,
    tokenType: /** @type {const} */ ("Bearer"),
    creationDate,
    ...(licenseId == null ? {} : { licenseId }),
    ...(organizationId == null ? {} : { organizationId }),
  };
  return attempt(() => Object.freeze(token)) ?? token;
};

/** The fields of a token in the endpoint's own form and of a finished one, as `src/core/answer.rs` reads them. */
const TOKEN = [
  ...["access_token", "entity_id", "expires_in", "token_type", "license_id", "organization_id"],
  ...["accessToken", "entityId", "expiresIn", "tokenType", "creationDate", "licenseId", "organizationId"],
];
const RECORD = ["version", "scope", "generation", "creationDate", "token", ...TOKEN];
const CODE = ["ssoKey", "redirect_uri"];

/** A finished token that lives less than this most likely says its lifetime in seconds, as `SHORT_LIFETIME` in `src/core/token.rs` has it. Milliseconds. */
const SHORT_LIFETIME = 100_000;

/** Says so to who makes the page; the token is used as it is. @param {Record<string, unknown>} token */
const adviseOnUnit = ({ accessToken, expiresIn }) => {
  if (accessToken && typeof expiresIn === "number" && expiresIn > 0 && expiresIn < SHORT_LIFETIME)
    complainOnce(`the source's expiresIn is ${expiresIn} milliseconds: where seconds are meant, multiply it by 1000`);
};

/**
 * What the core reads of an answer: nothing in it is the page's any more. `type` is the answer's own, `handedOn` what a code is handed on as.
 * @param {unknown} answer
 * @param {import("./widget.js").Wanted} wanted
 * @returns {{answer: unknown, type: number, handedOn?: unknown}}
 */
export const readable = (answer, wanted) => {
  const type = typeOfAnswer(answer);
  // If nobody is signed in, a token endpoint may answer null or nothing, alone or as `token`.
  const nobody = { answer: undefined, type: 1 };
  if (answer === "" && wanted === "jwt") return nobody;
  if (type === 2) {
    // A string is a JWT or a code, and never a token of LiveChat's.
    if (wanted === "jwt") return { answer: takeApart(/** @type {string} */ (answer)), type: 5 };
    return { answer, type, handedOn: answer };
  }
  if (type !== 5) return { answer: undefined, type };
  if (wanted === "code") {
    return { answer: ownFields(answer, CODE), type, handedOn: answer };
  }
  if (wanted === "token") {
    const fields = ownFields(answer, TOKEN);
    adviseOnUnit(fields);
    return { answer: fields, type };
  }
  const { token } = ownFields(answer, ["token"]);
  if (token === null || token === "") return nobody;
  return { answer: typeof token === "string" ? takeApart(token) : { token }, type };
};

/**
 * The text of a stored record: the token, and what ties it to one person and to the time since the latest sign-out. Empty where it can't be
 * written as text.
 * @param {import("../index.js").Token | string} token
 * @param {number} creationDate
 * @param {number} version
 * @param {string} scope
 * @param {string} generation
 */
export const recordText = (token, creationDate, version, scope, generation) =>
  attempt(() =>
    JSON.stringify({ version, scope, generation, creationDate, ...(typeof token === "string" ? { token } : token) }),
  ) ?? "";

/** What the core reads of a stored record; undefined where it is no JSON object. @param {string} text @param {boolean} isJwt */
export const parseRecord = (text, isJwt) => {
  const parsed = parse(text)?.parsed;
  if (!isRecord(parsed)) return undefined;
  const record = ownFields(parsed, RECORD);
  const { token } = record;
  return isJwt && typeof token === "string" ? bare({ ...takeApart(token), ...record }) : record;
};
