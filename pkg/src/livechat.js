// @ts-check
// LiveChat: its Custom Identity Provider.
// Document: LiveChat, "Custom Identity Provider".

import { page, provide } from "./engine.js";
import { complainOnce } from "./environment.js";
import { isRecord } from "./kind.js";
import { given, readPartialOptions } from "./options.js";

/** @typedef {import("../index.js").IdentityProvider} IdentityProvider */
/** @typedef {Partial<import("../index.js").LiveChatOptions>} Options */

/** The options that only LiveChat has. */
export const OWN = ["licenseId", "guests"];

/**
 * @param {import("./engine.js").Load} load
 * @param {Options} [options]
 * @returns {IdentityProvider}
 */
export const customIdentityProviderWith = (load, options = {}) => {
  const complete = isRecord(options) ? { ...page().defaults, ...given(options) } : options;
  const { getToken, getFreshToken, hasToken, invalidate } = provide(load, "livechat", complete, OWN);
  if (complete.guests) return { getToken, getFreshToken, hasToken, invalidate };
  /** LiveChat's widget never hears a rejection: it waits, and nobody knows why. @param {any} error */
  const advise = ({ code }) => {
    if (code === "NOT_SIGNED_IN") {
      complainOnce(
        "the source says that nobody is signed in, so LiveChat's chat waits for ever: for guests use connectLiveChat, or give the option guests, a source of theirs",
      );
    }
  };
  /** @template {Promise<any>} T @param {T} promise @returns {T} */
  const advised = (promise) => {
    promise.then(undefined, advise);
    return promise;
  };
  /** @param {IdentityProvider["getToken"]} ask @returns {any} */
  const advising = (ask) => (/** @type {import("../index.js").CallOptions} */ call) => advised(ask(call));
  return { getToken: advising(getToken), getFreshToken: advising(getFreshToken), hasToken, invalidate };
};

/** @param {Options} options */
export const configure = (options) => {
  readPartialOptions("livechat", options, OWN);
  page().defaults = { ...page().defaults, ...given(options) };
};
