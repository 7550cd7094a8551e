// @ts-check
// LiveChat: its Custom Identity Provider.
// Document: LiveChat, "Custom Identity Provider".

import { provide, sharedState } from "./engine.js";
import { attempt, global } from "./environment.js";
import { badOption } from "./error.js";
import { given, readPartialOptions, sourceOf } from "./options.js";
import { isRecord } from "./value.js";

/** @typedef {import("../index.js").IdentityProvider} IdentityProvider */
/** @typedef {Partial<import("../index.js").LiveChatOptions>} Options */

/** The number of a licence, which may be digits in a text, as in LiveChat's own snippets. @param {unknown} value */
const license = (value) => {
  const number = typeof value === "string" && /^[1-9]\d*$/.test(value) ? Number(value) : value;
  return Number.isSafeInteger(number) && /** @type {number} */ (number) > 0
    ? /** @type {number} */ (number)
    : undefined;
};

const missingAccount = () =>
  badOption("licenseId", "a licence's number, or organizationId, or window.__lc.license or .organizationId to be set");

/** @type {import("./widget.js").Widget} */
export const LIVECHAT = {
  name: "livechat",
  number: 0,
  wanted: () => "token",
  own: {
    licenseId: [license, "a positive whole number, or its digits"],
    guests: /* @__PURE__ */ sourceOf("token"),
  },
  complete: (options) => {
    if (options.licenseId !== undefined || options.organizationId !== undefined) return;
    // LiveChat's own snippet names the licence on the page, its packages the organization.
    const snippet = global("__lc");
    const organization = attempt(() => snippet.organizationId);
    options.licenseId = license(attempt(() => snippet.license));
    if (typeof organization === "string" && organization) options.organizationId = organization;
    if (options.licenseId !== undefined || options.organizationId !== undefined) return;
    if (global("document")) throw missingAccount();
    // A server that renders the page does not see the snippet.
    options.missing = missingAccount;
  },
};

/**
 * @param {Options} [options]
 * @returns {IdentityProvider}
 */
export const custom_identity_provider = (options = {}) => {
  const complete = isRecord(options) ? { ...sharedState().defaults, ...given(options) } : options;
  const { getToken, getFreshToken, hasToken, invalidate } = provide(LIVECHAT, complete);
  return { getToken, getFreshToken, hasToken, invalidate };
};

/** @param {Options} options */
export const configure = (options) => {
  readPartialOptions(LIVECHAT, options);
  sharedState().defaults = { ...sharedState().defaults, ...given(options) };
};
