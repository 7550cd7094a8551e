// @ts-check
// The core, loaded at the first call and shared by every copy of the package on the page; and the handles by which widgets ask it.

import { Provider, attemptEnded, happened, hearMark, signOut } from "../generated/custom_identity_provider.js";
import { attempt, global } from "./environment.js";
import { IdentityError, badOption } from "./error.js";
import { lending } from "./lease.js";
import { isRecord } from "./value.js";
import { CACHES, readOptions } from "./options.js";
import { newMark, broadcast, removeRecords, watchPage, writeMark } from "./page.js";
import { guard, leavable, quiet, reasonOf, refusal } from "./promise.js";

/** @typedef {import("../index.js").IdentityProvider} IdentityProvider */
/** @typedef {import("./options.js").ReadOptions} ReadOptions */
/** @typedef {IdentityProvider & {signedIn: () => void}} AnyProvider what every widget's functions stand on */
/** @typedef {{provider: (options: ReadOptions) => AnyProvider, sign_out: () => Promise<void>}} Engine */
/** @typedef {() => Promise<unknown> | void} Load instantiates the core, at once or in a while; throws where that can't be done */
/** @typedef {{engine?: Engine, defaults: Partial<import("../index.js").LiveChatOptions>}} Shared */

/** What is asked of a handle, by the numbers of `Provider::call` in `src/exports/provider.rs`. */
const METHODS = { getToken: 0, getFreshToken: 1, hasToken: 2, invalidate: 3, signedIn: 4, leave: 5 };
/** What happens to the page, by the numbers of `happened` in `src/exports/mod.rs`. */
const FACTS = { wake: 0, wentOnline: 1, lookForSignOut: 2, leavePage: 3 };

/** What this copy uses where the page lets nobody add to its globals. @type {Shared} */
const own = { defaults: {} };

/**
 * What all copies of this package on a page have in common: the first one's engine serves every copy, so that equal calls share
 * one request whoever makes them. The number is the protocol's between them: a copy reads its own options and asks its own sources, so
 * that a newer one's are understood where an older one owns the engine.
 * Made at the first call: importing the package changes nothing.
 * @returns {Shared}
 */
export const sharedState = () => {
  const key = Symbol.for("custom-identity-provider/2");
  // prettier-ignore
  return attempt(() => (/** @type {any} */ (globalThis)[key] ??= own)) ?? own;
};

/** Whether a value can be listened to as an AbortSignal, of whatever frame. @param {any} value */
const isSignal = (value) =>
  isRecord(value) &&
  attempt(() => typeof value.aborted === "boolean" && typeof value.addEventListener === "function") === true;

/**
 * A call of the core with a promise; the caller's own signal ends its wait only. The options go in with each call: held by the core, what
 * they close over would never be garbage.
 * @param {Provider} handle
 * @param {number} method
 * @param {ReadOptions} options
 * @param {unknown} call
 * @returns {Promise<any>}
 */
const ask = (handle, method, options, call) => {
  const asked = () => {
    const promise = guard(() => handle.call(method, options));
    if (options.advise) promise.then(undefined, options.advise);
    return promise;
  };
  // Widgets call with nothing, and anything else that they might pass is not ours to read.
  const signal = isRecord(call)
    ? attempt(() => /** @type {import("../index.js").CallOptions} */ (call).signal)
    : undefined;
  if (signal === undefined || signal === null) return asked();
  if (!isSignal(signal)) return refusal(badOption("signal", "an AbortSignal"));
  if (attempt(() => signal.aborted)) return refusal(reasonOf(signal));
  const promise = asked();
  return leavable(promise, signal, () => void guard(() => handle.call(METHODS.leave, promise)));
};

/** @type {Engine} */
const engine = {
  provider: (options) => {
    // After a trap this is a rejected promise, and so is whatever the methods answer with.
    const handle = /** @type {Provider} */ (
      guard(
        () =>
          new Provider(
            options.onEvent,
            options.number,
            CACHES.indexOf(options.cache),
            options.wanted === "code",
            typeof options.identity === "function",
            options.licenseId ?? NaN,
            options.organizationId ?? "",
            options.accountKey,
            options.margin ?? NaN,
            options.refreshAhead,
            options.timeout,
            options.patience,
          ),
      )
    );
    return {
      getToken: lending(options, (call) => ask(handle, METHODS.getToken, options, call)),
      getFreshToken: (call) => ask(handle, METHODS.getFreshToken, options, call),
      hasToken: () => guard(() => handle.call(METHODS.hasToken, options)),
      invalidate: () => guard(() => handle.call(METHODS.invalidate, undefined)),
      signedIn: () => void guard(() => handle.call(METHODS.signedIn, undefined)),
    };
  },
  sign_out: () => guard(signOut),
};

/** What the page tells the core. */
const core = {
  wake: () => void guard(() => happened(FACTS.wake)),
  wentOnline: () => void guard(() => happened(FACTS.wentOnline)),
  lookForSignOut: () => void guard(() => happened(FACTS.lookForSignOut)),
  hearMark: (/** @type {string} */ mark) => void guard(() => hearMark(mark)),
  leavePage: () => void guard(() => happened(FACTS.leavePage)),
  attemptEnded: (
    /** @type {number} */ session,
    /** @type {number} */ request,
    /** @type {number} */ attempt,
    /** @type {object} */ outcome,
  ) => void guard(() => attemptEnded(session, request, attempt, outcome)),
};

/**
 * What kept the core from being loaded, said in a way that helps.
 * @param {unknown} cause
 */
export const loadError = (cause) => {
  if (cause instanceof IdentityError) return cause;
  if (/unsafe-eval|content security policy|\bCSP\b/i.test(String(attempt(() => String(cause))))) {
    return new IdentityError(
      "WASM_BLOCKED",
      "the page's Content-Security-Policy forbids WebAssembly: add 'wasm-unsafe-eval' to its script-src directive",
      { cause },
    );
  }
  return new IdentityError("WASM_MISSING", "the WebAssembly core could not be loaded; see cause", { cause });
};

/** The start that is under way, where the browser takes its time for it. @type {Promise<Engine> | undefined} */
let starting;

/**
 * The page's engine; throws what keeps it from running. A later call may have more luck.
 * @param {Load} load
 * @returns {Engine | Promise<Engine>}
 */
const start = (load) => {
  const shared = sharedState();
  if (shared.engine) return shared.engine;
  if (starting) return starting;
  const begin = () => {
    if (!shared.engine) watchPage(core);
    return (shared.engine ??= engine);
  };
  let loading;
  try {
    loading = load();
  } catch (cause) {
    throw loadError(cause);
  }
  if (!loading) return begin();
  return (starting = loading.then(begin, (cause) => {
    starting = undefined;
    throw loadError(cause);
  }));
};

// Plain functions, not properties of something made at import: so bundlers leave the core out where only IdentityError is used.

/** A provider of which each method is made by its name. @param {(name: keyof AnyProvider) => (call?: any) => any} method @returns {AnyProvider} */
const made = (method) => ({
  getToken: method("getToken"),
  getFreshToken: method("getFreshToken"),
  hasToken: method("hasToken"),
  invalidate: method("invalidate"),
  signedIn: method("signedIn"),
});

/** What is left to a widget that is being set up while something is wrong: it hears of it from the methods. @param {() => unknown} error */
const refusing = (error) => made(() => () => refusal(error()));

/** A provider that is being made. @param {Promise<AnyProvider>} provider */
const later = (provider) =>
  made((name) => (call) => quiet(provider.then((one) => /** @type {any} */ (one[name](call)))));

/**
 * What a widget's functions stand on; wrong options are thrown.
 * @param {Load} load
 * @param {import("./widget.js").Widget} widget
 * @param {object} options
 * @returns {AnyProvider}
 */
export const provide = (load, widget, options) => {
  const complete = readOptions(widget, options);
  if (complete.missing) return refusing(complete.missing);
  try {
    const started = start(load);
    return "then" in started ? later(quiet(started.then((one) => one.provider(complete)))) : started.provider(complete);
  } catch (error) {
    return refusing(() => error);
  }
};

/**
 * A sign-out without the core: there is no token in this page's memory; what lies in storage goes, and every other tab is told.
 */
const signOutWithoutCore = () => {
  const mark = newMark();
  broadcast(mark, writeMark(mark));
  removeRecords(mark);
};

/**
 * @param {Load} load
 * @returns {Promise<void>}
 */
export const signOutWith = (load) => {
  try {
    const started = start(load);
    if (!("then" in started)) return started.sign_out();
    // The page may be left before the core is there.
    signOutWithoutCore();
    // A step more: whoever asked before, a provider is made for in the first.
    return quiet(started.then((one) => one).then((one) => one.sign_out()));
  } catch (error) {
    signOutWithoutCore();
    return refusal(error);
  }
};
