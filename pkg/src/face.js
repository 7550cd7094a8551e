// @ts-check
// The package's functions over a core that is loaded at the first call, and shared by every copy of the package on the page.

import { Provider, noticeGeneration, noticeSignOut, signOut, wake, wentOnline } from "../generated/custom_identity_provider.js";
import { IdentityError, badOption } from "./error.js";
import { isRecord } from "./kind.js";
import { CACHES, WIDGETS, readOptions, readPartialOptions } from "./options.js";
import { watchPage } from "./page.js";
import { guard, leavable, refusal } from "./promise.js";

/** @typedef {import("../index.js").IdentityProvider} IdentityProvider */
/** @typedef {Partial<import("../index.js").LiveChatOptions>} Options */
/** @typedef {import("../index.js").WidgetName} WidgetName */
/** @typedef {IdentityProvider & {signedIn: () => void}} AnyProvider what every widget's shape stands on */
/** @typedef {{provider: (widget: WidgetName, options: object, own: string[]) => AnyProvider, sign_out: () => Promise<void>}} Engine */

/** The options that only LiveChat has. */
const LIVECHAT = ["licenseId"];

/**
 * What all copies of this package on a page have in common: the first one's engine serves every copy, so that equal calls share
 * one request whoever makes them.
 * Made at the first call: importing the package changes nothing.
 * @returns {{engine?: Engine, defaults: Options}}
 */
const page = () => (/** @type {any} */ (globalThis)[Symbol.for("custom-identity-provider/1")] ??= { defaults: {} });

/**
 * A call of the core with a promise; the caller's own signal ends its wait only.
 * @param {Provider} handle
 * @param {() => Promise<import("../index.js").WidgetToken>} ask
 * @param {unknown} call
 */
const ask = (handle, ask, call) => {
  // Widgets call with nothing, and anything else that they might pass is not ours to read.
  const signal = isRecord(call) ? /** @type {import("../index.js").CallOptions} */ (call).signal : undefined;
  if (signal === undefined || signal === null) return guard(ask);
  if (!(signal instanceof AbortSignal)) return refusal(badOption("signal", "an AbortSignal"));
  if (signal.aborted) return refusal(signal.reason);
  const promise = guard(ask);
  return leavable(promise, signal, () => void guard(() => handle.leave(promise)));
};

/** @type {Engine} */
const engine = {
  provider: (widget, options, own) => {
    const complete = readOptions(widget, options, own);
    // After a trap this is a rejected promise, and so is whatever the methods answer with.
    const handle = /** @type {Provider} */ (
      guard(
        () =>
          new Provider(
            complete,
            complete.identity,
            complete.onEvent,
            WIDGETS.indexOf(widget),
            CACHES.indexOf(complete.cache),
            complete.flow === "code",
            complete.licenseId ?? NaN,
            complete.organizationId ?? "",
            complete.account,
            complete.margin ?? NaN,
            complete.refreshAhead,
            complete.timeout,
            complete.patience,
          ),
      )
    );
    return {
      getToken: (call) => ask(handle, () => handle.getToken(), call),
      getFreshToken: (call) => ask(handle, () => handle.getFreshToken(), call),
      hasToken: () => guard(() => handle.hasToken()),
      invalidate: () => guard(() => handle.invalidate()),
      signedIn: () => void guard(() => handle.signedIn()),
    };
  },
  sign_out: () => guard(signOut),
};

/** What the page tells the core. */
const told = {
  wake: () => void guard(wake),
  wentOnline: () => void guard(wentOnline),
  noticeSignOut: () => void guard(noticeSignOut),
  noticeGeneration: (/** @type {string} */ generation) => void guard(() => noticeGeneration(generation)),
};

/**
 * What kept the core from being loaded, said in a way that helps.
 * @param {unknown} cause
 */
export const loadError = (cause) => {
  if (cause instanceof IdentityError) return cause;
  if (/unsafe-eval|content security policy|\bCSP\b/i.test(String(cause))) {
    return new IdentityError(
      "WASM_BLOCKED",
      "the page's Content-Security-Policy forbids WebAssembly: add 'wasm-unsafe-eval' to its script-src directive",
      { cause },
    );
  }
  return new IdentityError("WASM_MISSING", "the WebAssembly core could not be loaded; see cause", { cause });
};

/**
 * The page's engine; throws what keeps it from running. A later call may have more luck.
 * @param {() => void} load instantiates the core; throws where that can't be done
 */
const start = (load) => {
  const shared = page();
  if (!shared.engine) {
    try {
      load();
    } catch (cause) {
      throw loadError(cause);
    }
    shared.engine = engine;
    watchPage(told);
  }
  return shared.engine;
};

// Plain functions, not properties of something made at import: so bundlers leave the core out where only IdentityError is used.

/**
 * What a widget's shape stands on; wrong options are thrown.
 * @param {() => void} load
 * @param {WidgetName} widget
 * @param {object} options
 * @param {string[]} own the names of options that only some widgets have
 * @returns {AnyProvider}
 */
export const provide = (load, widget, options, own) => {
  let engine;
  try {
    engine = start(load);
  } catch (error) {
    // A widget that is being set up must hear of it from the methods; wrong options are thrown all the same.
    readOptions(widget, options, own);
    const refuse = () => refusal(error);
    return { getToken: refuse, getFreshToken: refuse, hasToken: refuse, invalidate: refuse, signedIn: () => {} };
  }
  return engine.provider(widget, options, own);
};

/**
 * @param {() => void} load
 * @param {Options} [options]
 * @returns {IdentityProvider}
 */
export const customIdentityProviderWith = (load, options = {}) => {
  const complete = isRecord(options) ? { ...page().defaults, ...options } : options;
  const { signedIn: _, ...provider } = provide(load, "livechat", complete, LIVECHAT);
  return provider;
};

/** @param {Options} options */
export const configure = (options) => {
  readPartialOptions("livechat", options, LIVECHAT);
  page().defaults = { ...page().defaults, ...options };
};

/**
 * @param {() => void} load
 * @returns {Promise<void>}
 */
export const signOutWith = (load) => {
  try {
    return start(load).sign_out();
  } catch (error) {
    return refusal(error);
  }
};
