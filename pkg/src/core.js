// @ts-check
// What stands behind the face: the engine that all widgets of a page share, on the core in one of its two forms.

import { version } from "../package.json";
import { advising } from "./advice.js";
import { attempt, firstTimers } from "./environment.js";
import { badOption } from "./error.js";
import { notify } from "./event.js";
import { guard } from "./guard.js";
import { lending } from "./lease.js";
import { CACHES } from "./options.js";
import { watchPage } from "./page.js";
import { leavable, reasonOf, refusal } from "./promise.js";
import { asker } from "./source.js";
import { isRecord } from "./value.js";

/** @typedef {import("./options.js").ReadOptions} ReadOptions */
/** @typedef {import("../generated/webassembly/custom_identity_provider.js").Provider} Provider */
/** @typedef {import("./engine.js").Engine} Engine */
/**
 * What asks the core, in one of its forms.
 * @typedef {Pick<typeof import("../generated/webassembly/custom_identity_provider.js"), "Provider" | "askedByTab" | "attemptEnded" | "happened" | "hearMark" | "inTurn" | "signOut">} Glue
 */
/** @typedef {{form: "webassembly" | "javascript", glue: Glue, start: () => Promise<void> | void}} Form `start` answers with nothing where the core runs already */

/** What is asked of a handle, by the numbers of `Provider::call` in `src/exports/provider.rs`. */
const METHODS = { getToken: 0, getFreshToken: 1, hasToken: 2, invalidate: 3, signedIn: 4, leave: 5 };
/** What happens to the page, by the numbers of `happened` in `src/exports/mod.rs`. */
const FACTS = { wake: 0, wentOnline: 1, lookForSignOut: 2, leavePage: 3 };

/** Whether a value can be listened to as an AbortSignal, of whatever frame. @param {any} value */
const isSignal = (value) =>
  isRecord(value) &&
  attempt(() => typeof value.aborted === "boolean" && typeof value.addEventListener === "function") === true;

/**
 * A call with a promise; the caller's own signal ends its wait only.
 * @param {Provider} handle
 * @param {() => Promise<any>} ask
 * @param {unknown} call
 */
const ask = (handle, ask, call) => {
  // Widgets call with nothing, and anything else that they might pass is not ours to read.
  const signal = isRecord(call)
    ? attempt(() => /** @type {import("../index.js").CallOptions} */ (call).signal)
    : undefined;
  if (signal === undefined || signal === null) return ask();
  if (!isSignal(signal)) return refusal(badOption("signal", "an AbortSignal"));
  if (attempt(() => signal.aborted)) return refusal(reasonOf(signal));
  const promise = ask();
  return leavable(promise, signal, () => void guard(() => handle.call(METHODS.leave, promise)));
};

/** @param {Form} form @returns {Engine} */
const engineOf = ({ form, glue }) => ({
  version,
  asker,
  provider: (options, hasWaited) => {
    // After a trap this is a rejected promise, and so is whatever the methods answer with.
    const handle = /** @type {Provider} */ (
      guard(
        () =>
          new glue.Provider(
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
            options.tabs === "share",
          ),
      )
    );
    if (hasWaited && options.onEvent) notify(options.onEvent, "core_started", options.widget, { form });
    const advised = advising(options);
    // The options go in with each call: held by the core, what they close over would never be garbage.
    const getToken = () => advised(guard(() => handle.call(METHODS.getToken, options)));
    const getFreshToken = () => advised(guard(() => handle.call(METHODS.getFreshToken, options)));
    return {
      getToken: lending(options, (call) => ask(handle, getToken, call)),
      getFreshToken: (call) => ask(handle, getFreshToken, call),
      hasToken: () => guard(() => handle.call(METHODS.hasToken, options)),
      invalidate: () => guard(() => handle.call(METHODS.invalidate, undefined)),
      signedIn: () => void guard(() => handle.call(METHODS.signedIn, undefined)),
    };
  },
  sign_out: () => guard(glue.signOut),
});

/** What the page tells the core. @param {Glue} glue @returns {import("./page.js").Core} */
const told = ({ askedByTab, attemptEnded, happened, hearMark, inTurn }) => ({
  wake: () => void guard(() => happened(FACTS.wake)),
  wentOnline: () => void guard(() => happened(FACTS.wentOnline)),
  lookForSignOut: () => void guard(() => happened(FACTS.lookForSignOut)),
  hearMark: (mark) => void guard(() => hearMark(mark)),
  leavePage: () => void guard(() => happened(FACTS.leavePage)),
  attemptEnded: (session, request, attempt, outcome) =>
    void guard(() => attemptEnded(session, request, attempt, outcome)),
  // After a trap it is a rejected promise, and so the attempt is over.
  inTurn: (...turn) => Boolean(guard(() => inTurn(...turn))),
  askedByTab: (scope) => void guard(() => askedByTab(scope)),
});

/** The core as the face takes it. @param {Form} form @returns {import("./engine.js").Core} */
export const coreOf = (form) => {
  /** The start that is under way or done: copies of the package may share this module, and a core has one memory. @type {{waits: Promise<void> | void} | undefined} */
  let started;
  return {
    asker,
    start: () => {
      started ??= { waits: form.start() };
      if (started.waits) started.waits.catch(() => (started = undefined));
      return started.waits;
    },
    run: (shared, timers) => {
      // The face was there before any code of the page could take their places.
      Object.assign(firstTimers, timers);
      if (!shared.engine) {
        watchPage(told(form.glue));
        shared.engine = engineOf(form);
      }
      return shared.engine;
    },
  };
};
