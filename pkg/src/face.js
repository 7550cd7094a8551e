// @ts-check
// The package's functions over a core that is loaded at the first call, and shared by every copy of the package on the page.

import { LiveChatProvider, noticeGeneration, noticeSignOut, signOut, wake, wentOnline } from "../generated/custom_identity_provider.js";
import { IdentityError, badOption } from "./error.js";
import { isRecord, readOptions, readPartialOptions } from "./options.js";
import { watchPage } from "./page.js";
import { guard, leavable, refusal } from "./promise.js";

/** @typedef {import("../index.js").IdentityProvider} IdentityProvider */
/** @typedef {Partial<import("../index.js").LiveChatOptions>} Options */
/** @typedef {{provider: (options: Options) => IdentityProvider, sign_out: () => Promise<void>}} Engine */

/**
 * What all copies of this package on a page have in common: the first one's engine serves every copy, so that equal calls share
 * one request whoever makes them.
 * @type {{engine?: Engine, defaults: Options}}
 */
const page = (/** @type {any} */ (globalThis)[Symbol.for("custom-identity-provider/1")] ??= { defaults: {} });

/**
 * A call of the core with a promise; the caller's own signal ends its wait only.
 * @param {LiveChatProvider} handle
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
  provider: (options) => {
    const complete = readOptions(options);
    // After a trap this is a rejected promise, and so is whatever the methods answer with.
    const handle = /** @type {LiveChatProvider} */ (guard(() => new LiveChatProvider(complete)));
    return {
      getToken: (call) => ask(handle, () => handle.getToken(), call),
      getFreshToken: (call) => ask(handle, () => handle.getFreshToken(), call),
      hasToken: () => guard(() => handle.hasToken()),
      invalidate: () => guard(() => handle.invalidate()),
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
 * @param {() => void} load instantiates the core; throws where that can't be done
 * @returns {{custom_identity_provider: (options?: Options) => IdentityProvider, configure: (options: Options) => void, sign_out: () => Promise<void>}}
 */
export const face = (load) => {
  /** The page's engine; throws what keeps it from running. A later call may have more luck. */
  const start = () => {
    if (!page.engine) {
      try {
        load();
      } catch (cause) {
        throw loadError(cause);
      }
      page.engine = engine;
      watchPage(told);
    }
    return page.engine;
  };

  return {
    custom_identity_provider: (options = {}) => {
      const complete = isRecord(options) ? { ...page.defaults, ...options } : options;
      let engine;
      try {
        engine = start();
      } catch (error) {
        // A widget that is being set up must hear of it from the methods; wrong options are thrown all the same.
        readOptions(complete);
        const refuse = () => refusal(error);
        return { getToken: refuse, getFreshToken: refuse, hasToken: refuse, invalidate: refuse };
      }
      return engine.provider(complete);
    },
    configure: (options) => {
      readPartialOptions(options);
      page.defaults = { ...page.defaults, ...options };
    },
    sign_out: () => {
      try {
        return start().sign_out();
      } catch (error) {
        return refusal(error);
      }
    },
  };
};
