// @ts-check
// The token as widgets expect it: a frozen plain object of exactly the documented fields.

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
 * @param {import("../index.js").Token} token
 * @param {number} version
 * @param {string} scope
 * @param {string} generation
 */
export const recordText = (token, version, scope, generation) => JSON.stringify({ version, scope, generation, ...token });
