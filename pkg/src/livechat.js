// @ts-check
// LiveChat: its Custom Identity Provider.
// Document: LiveChat, "Custom Identity Provider".

import { page, provide } from "./engine.js";
import { isRecord } from "./kind.js";
import { given, readPartialOptions } from "./options.js";

/** @typedef {import("../index.js").IdentityProvider} IdentityProvider */
/** @typedef {Partial<import("../index.js").LiveChatOptions>} Options */

/** The options that only LiveChat has. */
export const OWN = ["licenseId", "guests"];

/**
 * @param {() => void} load
 * @param {Options} [options]
 * @returns {IdentityProvider}
 */
export const customIdentityProviderWith = (load, options = {}) => {
  const complete = isRecord(options) ? { ...page().defaults, ...given(options) } : options;
  const { getToken, getFreshToken, hasToken, invalidate } = provide(load, "livechat", complete, OWN);
  return { getToken, getFreshToken, hasToken, invalidate };
};

/** @param {Options} options */
export const configure = (options) => {
  readPartialOptions("livechat", options, OWN);
  page().defaults = { ...page().defaults, ...given(options) };
};
