// The token's fields, and its life as a draining bar.

import { byId, html } from "./element.js";
import { drawLife, lifeBar } from "./life.js";
import { fillPanel } from "./panel.js";

/** @typedef {import("../pkg/index.js").Token} Token */

/** Fills the panel. */
export const fillTokenPanel = () =>
  fillPanel(
    "token",
    "Token",
    html("p", { id: "has-token", class: "tag" }, "hasToken: unknown"),
    ...lifeBar(),
    html("dl", { id: "token-fields", class: "fields" }),
    html(
      "p",
      { class: "note" },
      "The access token is a secret: the page shows its length and its last four characters, never more.",
    ),
  );

/** The access token as it may be shown: its length and its last four characters. @param {string} secret */
export const masked = (secret) => `${secret.length} characters, ending in ${secret.slice(-4)}`;

/** As the package counts it: the last 30 s or tenth of a life count as over. @param {Token} token */
const marginOf = (token) => Math.min(30_000, token.expiresIn / 10);

/** The token that is shown; null when there is none, undefined before anything is. @type {Token | null | undefined} */
let shown;

/** Shows a token that a method resolved with; null when there is none. @param {Token | null} token */
export const showToken = (token) => {
  if (token === shown) return;
  shown = token;
  /** Names and values. @type {(string | undefined)[][]} */
  const rows = token
    ? [
        ["accessToken", masked(token.accessToken)],
        ["entityId", token.entityId],
        ["tokenType", token.tokenType],
        ["expiresIn", `${token.expiresIn} ms`],
        ["creationDate", new Date(token.creationDate).toLocaleString()],
        ...("licenseId" in token ? [["licenseId", String(token.licenseId)]] : []),
        ...("organizationId" in token ? [["organizationId", token.organizationId]] : []),
      ]
    : ["accessToken", "entityId", "tokenType", "expiresIn", "creationDate"].map((name) => [name, "–"]);
  byId("token-fields").replaceChildren(
    ...rows.flatMap(([name, value]) => [html("dt", {}, name), html("dd", { "data-field": name }, value)]),
  );
  showLife();
};

/** The token that is shown, if any. */
export const shownToken = () => shown;

/** Draws what is left of the shown token's life; to be called once a second. */
export const showLife = () => {
  const whole = shown ? shown.expiresIn - marginOf(shown) : 0;
  drawLife(shown && { left: shown.creationDate + whole - Date.now(), whole }, "no token");
};

/** Says what hasToken resolves with at this moment; undefined when it rejects. @param {boolean | undefined} has */
export const showHasToken = (has) => {
  const tag = byId("has-token");
  const text = `hasToken: ${has ?? "unknown"}`;
  if (tag.textContent !== text) tag.textContent = text;
  tag.classList.toggle("yes", has === true);
};
