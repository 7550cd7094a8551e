// A JSON Web Token as it may be shown: its header and claims, what is left of its life, and what its signature is worth.

import { byId, html } from "./element.js";
import { drawLife, lifeBar } from "./life.js";
import { fillPanel } from "./panel.js";

/** @typedef {import("./token_check.js").Fields} Fields */

/** Fills the panel; `note` is what else there is to say of such tokens. */
export const fillJwtPanel = (note = "") =>
  fillPanel(
    "token",
    "JSON Web Token",
    html("p", { id: "verdict", class: "tag" }, "no token"),
    ...lifeBar(),
    html("h3", {}, "Header"),
    html("dl", { id: "token-header", class: "fields" }),
    html("h3", {}, "Claims"),
    html("dl", { id: "token-claims", class: "fields" }),
    html(
      "p",
      { class: "note" },
      `Header and claims can be read by whoever holds the token. The signature, which makes it one, is never shown.${note}`,
    ),
  );

/** The claims of what is shown; null while nothing is. @type {Fields | null} */
let claims = null;

/** In which order people look at them; the rest follows. */
const ORDER = ["alg", "kid", "iss", "sub", "aud", "given_name", "family_name", "iat", "nbf", "exp"];
const rank = (/** @type {[string, unknown]} */ [name]) => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length);

const timeClaims = new Set(["iat", "nbf", "exp"]);

/** @param {string} name @param {unknown} value */
const written = (name, value) => {
  if (timeClaims.has(name) && typeof value === "number") {
    return [String(value), html("small", {}, ` ${new Date(value * 1000).toLocaleTimeString()}`)];
  }
  return [typeof value === "string" ? value : JSON.stringify(value)];
};

/** @param {string} id @param {Fields | undefined} values @param {string[]} expected stand there without values */
const fill = (id, values, expected) => {
  /** @type {[string, unknown][]} */
  const rows = values
    ? Object.entries(values).sort((one, other) => rank(one) - rank(other))
    : expected.map((name) => [name, "–"]);
  byId(id).replaceChildren(
    ...rows.flatMap(([name, value]) => [
      html("dt", {}, name),
      html("dd", { "data-field": name }, ...written(name, value)),
    ]),
  );
};

/**
 * Shows what was read of a token, and the verdict; null when there is none.
 * @param {(Partial<import("./token_check.js").ReadToken> & { isGood: boolean, verdict: string }) | null} read
 */
export const showJwt = (read) => {
  claims = read?.claims ?? null;
  fill("token-header", read?.header, ["alg", "kid"]);
  fill("token-claims", read?.claims, ["iss", "sub", "iat", "exp"]);
  byId("verdict").textContent = read?.verdict ?? "no token";
  byId("verdict").classList.toggle("yes", read?.isGood === true);
  byId("verdict").classList.toggle("no", read?.isGood === false);
  showLife();
};

/** Draws what is left of its life; to be called once a second. */
export const showLife = () => {
  const isKnown = Number.isFinite(claims?.exp) && Number.isFinite(claims?.iat);
  drawLife(
    claims && isKnown && { left: claims.exp * 1000 - Date.now(), whole: (claims.exp - claims.iat) * 1000 },
    "no token",
  );
};
