// The token's fields, and its life as a draining bar.

import { byId, html } from "./element.js";
import { remaining } from "./duration.js";

/** The access token as it may be shown: its length and its last four characters. */
export const masked = (secret) => `${secret.length} characters, ending in ${secret.slice(-4)}`;

/** As the package counts it: the last 30 s or tenth of a life count as over. */
const marginOf = (token) => Math.min(30_000, token.expiresIn / 10);

/** The token that is shown; null when there is none, undefined before anything is. */
let shown;

/** Shows a token that a method resolved with; null when there is none. */
export const showToken = (token) => {
  if (token === shown) return;
  shown = token;
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
  const bar = byId("life");
  const whole = shown ? shown.expiresIn - marginOf(shown) : 0;
  const left = shown ? Math.max(0, shown.creationDate + whole - Date.now()) : 0;
  const share = whole > 0 ? Math.min(1, left / whole) : 0;
  const text = !shown ? "no token" : left > 0 ? `${remaining(left)} of ${remaining(whole)}` : "expired";
  byId("life-left").style.transform = `scaleX(${share})`;
  bar.classList.toggle("ending", Boolean(shown) && share < 0.25);
  // Only what changed is written: a screen reader on the bar hears nothing twice.
  const percent = String(Math.round(share * 100));
  if (bar.getAttribute("aria-valuenow") !== percent) bar.setAttribute("aria-valuenow", percent);
  if (byId("life-text").textContent !== text) {
    bar.setAttribute("aria-valuetext", text);
    byId("life-text").textContent = text;
  }
};

/** Says what hasToken resolves with at this moment. */
export const showHasToken = (has) => {
  const tag = byId("has-token");
  const text = `hasToken: ${has ?? "unknown"}`;
  if (tag.textContent !== text) tag.textContent = text;
  tag.classList.toggle("yes", has === true);
};
