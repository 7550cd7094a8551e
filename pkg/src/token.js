// @ts-check
// The token as widgets expect it: a frozen plain object of exactly the documented fields.

import { parse } from "./options.js";

/**
 * @param {[accessToken: string, entityId: string, expiresIn: number, creationDate: number, licenseId: number | null | undefined, organizationId: string | null | undefined]} fields
 * @returns {import("../index.js").Token}
 */
export const tokenOf = ([accessToken, entityId, expiresIn, creationDate, licenseId, organizationId]) =>
  Object.freeze({
    accessToken,
    entityId,
    expiresIn,
    tokenType: "Bearer",
    creationDate,
    ...(licenseId == null ? {} : { licenseId }),
    ...(organizationId == null ? {} : { organizationId }),
  });

/**
 * The text of a stored record: the token, and what ties it to one person and to the time since the latest sign-out.
 * @param {import("../index.js").Token | string} token
 * @param {number} creationDate
 * @param {number} version
 * @param {string} scope
 * @param {string} generation
 */
export const recordText = (token, creationDate, version, scope, generation) =>
  JSON.stringify({ version, scope, generation, creationDate, ...(typeof token === "string" ? { token } : token) });

/** The parsed text of a stored record; undefined where it is no JSON. @param {string} text */
export const parseRecord = (text) => parse(text)?.parsed;
