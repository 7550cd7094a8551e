// Plays the chat widget: takes the provider from `window.__lc` as a widget would, and calls it.

/** @typedef {import("../pkg/index.js").MethodName} MethodName */

/** @typedef {import("../pkg/index.js").Token} Token */

/** @typedef {import("../pkg/index.js").IdentityEvent} IdentityEvent */

/**
 * What each method resolves with.
 * @typedef {{ getToken: Token, getFreshToken: Token, hasToken: boolean, invalidate: void }} Results
 */

/** @type {typeof import("../pkg/index.js")} */
let library;
/** @type {{ [Method in MethodName]: () => Promise<Results[Method]> }} */
let provider;
/** Counts up with each provider, so that one that was replaced is not listened to any more. */
let generation = 0;
/** While the page itself looks, rather than the person: such calls are not drawn. */
let isLooking = false;

/** The events of a call itself; others can come during it too, like a change of identity that it notices. */
const ASKED = new Set(["call", "cache_hit", "joined", "cooling_down"]);

/** Takes the package that the page has loaded. @param {typeof import("../pkg/index.js")} loaded */
export const useLibrary = (loaded) => {
  library = loaded;
};

/**
 * Puts the factory where LiveChat's widget looks for it, and takes a provider from it.
 * @param {import("../pkg/index.js").LiveChatOptions & { licenseId?: number }} options
 * @param {(event: IdentityEvent) => void} onEvent
 */
export const connect = (options, onEvent) => {
  const mine = ++generation;
  /** @param {IdentityEvent} event */
  const listener = (event) => {
    if (mine !== generation || (isLooking && ASKED.has(event.type))) return;
    onEvent(event);
  };
  window.__lc ??= {};
  if (options.licenseId !== undefined) window.__lc.license = options.licenseId;
  else window.__lc.organizationId = options.organizationId;
  // Handles of one scope share a session and its events: one listener hears what the real widget does, too.
  let isHeard = false;
  window.__lc.custom_identity_provider = () => {
    const heard = isHeard ? {} : { onEvent: listener };
    isHeard = true;
    return library.custom_identity_provider({ ...options, ...heard });
  };
  provider = window.__lc.custom_identity_provider();
};

/**
 * Calls a method as the widget would.
 * @template {MethodName} Method
 * @param {Method} method
 * @returns {Promise<Results[Method]>}
 */
export const call = (method) => provider[method]();

/**
 * Calls a method without its being drawn; its events come while it is called, never later.
 * @template {MethodName} Method
 * @param {Method} method
 * @returns {Promise<Results[Method]>}
 */
export const look = (method) => {
  isLooking = true;
  try {
    return provider[method]();
  } finally {
    isLooking = false;
  }
};

/** The person leaves: the package forgets every token in every tab. */
export const forgetEverything = () => library.sign_out();
