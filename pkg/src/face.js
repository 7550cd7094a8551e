// @ts-check
// The package's functions over a core that is loaded at the first call, and shared by every copy of the package on the page.

import * as core from "../generated/custom_identity_provider.js";
import { IdentityError, guard } from "./bridge.js";

/** @typedef {import("../index.js").IdentityProvider} IdentityProvider */
/** @typedef {Partial<import("../index.js").LiveChatOptions>} Options */
/** @typedef {{provider: (options: Options) => IdentityProvider, check: (options: Options) => void, sign_out: () => Promise<void>}} Engine */

/**
 * What all copies of this package on a page have in common: the first one's engine serves every copy, so that equal calls share
 * one request whoever makes them.
 * @type {{engine?: Engine, defaults: Options}}
 */
const page = (/** @type {any} */ (globalThis)[Symbol.for("custom-identity-provider/1")] ??= { defaults: {} });

/** @type {Engine} */
const engine = {
  provider: (options) => {
    const handle = new core.LiveChatProvider(options);
    return {
      getToken: (call) => guard(() => handle.getToken(call)),
      getFreshToken: (call) => guard(() => handle.getFreshToken(call)),
      hasToken: () => guard(() => handle.hasToken()),
      invalidate: () => guard(() => handle.invalidate()),
    };
  },
  check: core.checkOptions,
  sign_out: () => guard(core.signOut),
};

/**
 * What kept the core from being loaded, said in a way that helps.
 * @param {unknown} cause
 */
const loadError = (cause) => {
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
  /** The page's engine, or what keeps it from running: a later call may have more luck. */
  const start = () => {
    if (!page.engine) {
      try {
        load();
      } catch (cause) {
        return { error: loadError(cause) };
      }
      page.engine = engine;
    }
    return { engine: page.engine };
  };

  return {
    custom_identity_provider: (options = {}) => {
      const { engine, error } = start();
      if (engine) return engine.provider(isObject(options) ? { ...page.defaults, ...options } : options);
      const refuse = () => Promise.reject(error);
      return { getToken: refuse, getFreshToken: refuse, hasToken: refuse, invalidate: refuse };
    },
    configure: (options) => {
      // Where the core can't run, every method says so; here there is nothing to check the options with.
      start().engine?.check(options);
      page.defaults = { ...page.defaults, ...options };
    },
    sign_out: () => {
      const { engine, error } = start();
      return engine ? engine.sign_out() : Promise.reject(error);
    },
  };
};

/** @param {unknown} value */
const isObject = (value) => typeof value === "object" && value !== null;
