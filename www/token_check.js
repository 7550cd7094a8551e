// Checks a JSON Web Token as a widget's vendor does: RS256 by the published key, then its claims. Only the stand-ins check signatures; the
// package does not.

/**
 * What a part of a token holds: JSON from outside, each field of which may be anything.
 * @typedef {Record<string, any>} Fields
 */

/** What was read of a token. @typedef {{ header: Fields, claims: Fields }} ReadToken */

/** What is wrong with a token, and what was read of it before. @typedef {Error & Partial<ReadToken>} TokenFault */

/** Clocks may disagree by this much. Seconds. */
const TOLERANCE = 5;

/** @param {string} base64 */
const bytesOf = (base64) =>
  Uint8Array.from(atob(base64.replace(/-/g, "+").replace(/_/g, "/")), (character) => character.charCodeAt(0));

/** @param {string} part @param {string} name @returns {Fields} */
const decode = (part, name) => {
  let value;
  try {
    value = JSON.parse(new TextDecoder().decode(bytesOf(part)));
  } catch {
    throw new Error(`its ${name} is no JSON`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error(`its ${name} is no object`);
  return value;
};

/**
 * A public key from base64 of its SubjectPublicKeyInfo, without header, footer and line breaks.
 * @param {string} base64
 */
const importKey = (base64) =>
  crypto.subtle.importKey("spki", bytesOf(base64), { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }, false, ["verify"]);

/** @param {Fields} claims */
const checkTimes = ({ iat, nbf, exp }) => {
  const now = Date.now() / 1000;
  for (const [name, time, isRequired] of [
    ["iat", iat, true],
    ["exp", exp, true],
    ["nbf", nbf, false],
  ]) {
    if (time === undefined && !isRequired) continue;
    if (typeof time !== "number" || !Number.isFinite(time)) throw new Error(`its ${name} is no number`);
  }
  if (now >= exp) throw new Error("it has expired");
  if (Math.max(iat, nbf ?? iat) > now + TOLERANCE) throw new Error("it is not valid yet");
};

/**
 * The header and claims of a token that is in order; rejects with a `TokenFault`.
 * `keyFor` finds the key's base64 by the header's key id; undefined where none is published.
 * @param {unknown} token
 * @param {{ keyFor: (kid: unknown) => Promise<string | undefined>, issuer: string }} expected
 * @returns {Promise<ReadToken>}
 */
export const checkToken = async (token, { keyFor, issuer }) => {
  if (typeof token !== "string") throw new Error("it is no text");
  const parts = token.split(".");
  if (parts.length === 5) throw new Error("it is encrypted, and this stand-in has no key for it");
  if (parts.length !== 3) throw new Error("it does not have three parts");
  const header = decode(parts[0], "header");
  const claims = decode(parts[1], "claims");
  try {
    if (header.alg !== "RS256") throw new Error(`it is signed with ${JSON.stringify(header.alg)}, not with RS256`);
    const published = await keyFor(header.kid);
    if (published === undefined) throw new Error("no key with its kid is published");
    const signed = new TextEncoder().encode(`${parts[0]}.${parts[1]}`);
    const isGood = await crypto.subtle.verify(
      "RSASSA-PKCS1-v1_5",
      await importKey(published),
      bytesOf(parts[2]),
      signed,
    );
    if (!isGood) throw new Error("its signature is not of the published key");
    if (claims.iss !== issuer) throw new Error("its iss is not the configured one");
    if (typeof claims.sub !== "string" || claims.sub === "") throw new Error("its sub is no text");
    checkTimes(claims);
  } catch (error) {
    throw Object.assign(/** @type {Error} */ (error), { header, claims });
  }
  return { header, claims };
};
