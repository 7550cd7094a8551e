// @ts-check
// What all copies of the package on a page share, and the providers that widgets' functions stand on: they wait for the core.

import { load } from "the-core";
import { version } from "../package.json";
import { Promise, after, attempt, cancel, firstTimers, global } from "./environment.js";
import { IdentityError } from "./error.js";
import { readOptions } from "./options.js";
import { quiet, reasonOf, refusal } from "./promise.js";
import { signOutWithoutCore } from "./sign_out.js";

/** @typedef {import("../index.js").IdentityProvider} IdentityProvider */
/** @typedef {import("./options.js").ReadOptions} ReadOptions */
/** @typedef {IdentityProvider & {signedIn: () => void}} AnyProvider what every widget's functions stand on */
/** @typedef {(options: ReadOptions, identity: string | undefined, reason: string) => import("./source.js").Asking} Asker asks a source once */
/**
 * What serves a page. `hasWaited`: whether the handle was asked for before the core ran.
 * @typedef {{version: string, asker: Asker, provider: (options: ReadOptions, hasWaited: boolean) => AnyProvider, sign_out: () => Promise<void>}} Engine
 */
/**
 * What stands behind the face. `start` answers with nothing where the core has started at once; `run` makes it the page's, if it is the first.
 * @typedef {{asker: Asker, start: () => Promise<void> | void, run: (shared: Shared, timers: typeof firstTimers) => Engine}} Core
 */
/** Gets the core and starts it, at once or in a while; throws where that can't be done. @typedef {() => Core | Promise<Core>} Load */
/** @typedef {{engine?: Engine, defaults: Partial<import("../index.js").LiveChatOptions>}} Shared */

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
  const key = Symbol.for("custom-identity-provider/3");
  // prettier-ignore
  return attempt(() => (/** @type {any} */ (globalThis)[key] ??= own)) ?? own;
};

/** This copy's core, once it is there. @type {Core | undefined} */
let core;
/** The start that is under way. @type {Promise<Engine> | undefined} */
let starting;

/**
 * The page's engine; throws what keeps it from running. A later call may have more luck.
 * @returns {Engine | Promise<Engine>}
 */
const start = () => {
  const shared = sharedState();
  // The sources of a copy of another version are asked by its own core.
  if (shared.engine && (core || shared.engine.version === version)) return shared.engine;
  if (starting) return starting;
  const loading = load();
  /** @param {Core} found */
  const run = (found) => (core = found).run(shared, firstTimers);
  if (!("then" in loading)) return run(loading);
  starting = loading.then(run);
  starting.catch(() => (starting = undefined));
  return starting;
};

/** How many sign-outs this copy was asked for before the core ran. */
let signOuts = 0;

/**
 * What a widget's functions stand on; wrong options are thrown.
 * @param {import("./widget.js").Widget} widget
 * @param {object} options
 * @returns {AnyProvider}
 */
export const provide = (widget, options) => {
  const complete = readOptions(widget, options);
  // What is missing is told by the methods: the widget may be set up on a server, which knows less than the page.
  const { missing } = complete;
  complete.ask = (identity, reason) =>
    (core ?? /** @type {Engine} */ (sharedState().engine)).asker(complete, identity, reason);

  /** @type {AnyProvider | undefined} */
  let provider;
  /** @returns {AnyProvider | Promise<AnyProvider>} */
  const ready = () => {
    if (missing) throw missing();
    const started = start();
    if ("provider" in started) return (provider ??= started.provider(complete, false));
    return started.then((engine) => (provider ??= engine.provider(complete, true)));
  };

  /** Who is signed in, where that can be compared. */
  const person = () => {
    const found = attempt(() => complete.identity?.());
    return typeof found === "object" ? undefined : found;
  };

  /**
   * A call that came before the core was there: it is answered for the person who was there.
   * @param {keyof AnyProvider} name
   * @param {any} call
   * @param {Promise<AnyProvider>} coming
   */
  const wait = (name, call, coming) => {
    const [count, caller] = [signOuts, person()];
    return quiet(
      new Promise((resolve, reject) => {
        // Who has left asks for nothing any more.
        let isOver = false;
        /** @param {unknown} error */
        const leave = (error) => {
          isOver = true;
          reject(error);
        };
        const signal = attempt(() => call.signal);
        const abort = () => leave(reasonOf(signal));
        attempt(() => signal.addEventListener("abort", abort));
        if (attempt(() => signal.aborted)) abort();
        const timer = after(
          () =>
            leave(new IdentityError("TIMED_OUT", "the core was not loaded within the timeout", { retryable: true })),
          complete.timeout,
        );
        coming
          .then((one) => {
            if (isOver) return;
            if (/^get/.test(name)) {
              if (count !== signOuts) throw new IdentityError("SIGNED_OUT", "the person signed out");
              if (caller != null && caller !== person())
                throw new IdentityError("IDENTITY_CHANGED", "another person signed in");
            }
            resolve(/** @type {any} */ (one[name])(call));
          })
          .catch(reject)
          .then(() => cancel(timer));
      }),
    );
  };

  // A server that renders the page needs no core.
  if (global("document")) attempt(() => quiet(/** @type {Promise<unknown>} */ (ready())));
  /** @param {keyof AnyProvider} name @param {any} [call] @returns {any} */
  const first = (name, call) => {
    try {
      const found = ready();
      return "getToken" in found ? found[name](call) : wait(name, call, found);
    } catch (error) {
      return refusal(error);
    }
  };
  // Called by their names, which engines make one call of.
  return {
    getToken: (call) => (provider ? provider.getToken(call) : first("getToken", call)),
    getFreshToken: (call) => (provider ? provider.getFreshToken(call) : first("getFreshToken", call)),
    hasToken: () => (provider ? provider.hasToken() : first("hasToken")),
    invalidate: () => (provider ? provider.invalidate() : first("invalidate")),
    signedIn: () => (provider ? provider.signedIn() : first("signedIn")),
  };
};

/** @returns {Promise<void>} */
export const sign_out = () => {
  const { engine } = sharedState();
  if (engine) return engine.sign_out();
  signOuts += 1;
  // Without the core there is no token in the page's memory; and the page may be left before the core is there.
  signOutWithoutCore();
  const told = starting?.then((one) => one.sign_out());
  return quiet(Promise.resolve(told?.catch(() => {})));
};
