// @ts-check
// Everything of JavaScript that the core calls. Nothing here throws into the core: that would leave it half-way through what it did.

import { Promise, attempt, monotonicNow, random, storage, wallNow } from "./environment.js";
import { identityError } from "./error.js";
import { Listeners } from "./event.js";
import { callerOf, readIdentity } from "./identity.js";
import { lend } from "./lease.js";
import { typeOf } from "./value.js";
import { Deferred } from "./guard.js";
import { broadcast, canTellTabs, lookAtMark, tellTabs, withCore, wakeAfter, writeMark } from "./page.js";
import { refusal } from "./promise.js";
import { newMark, removeRecords } from "./sign_out.js";
import { askInTurn } from "./tabs.js";
import { parseRecord, recordText, tokenOf } from "./token.js";

/**
 * Asks a source by the copy of the package that read its options; what comes of it is told to the core. Where a turn is named, it is asked
 * together with other tabs.
 * @param {import("./options.js").ReadOptions} options
 * @param {string | undefined} identity
 * @param {string} reason
 * @param {number} session
 * @param {number} request
 * @param {number} attempt
 * @param {string} turn
 */
const ask = (options, identity, reason, session, request, attempt, turn) => {
  const askSource = () => {
    const asking = options.ask(identity, reason);
    asking.outcome.then((outcome) => withCore((core) => core.attemptEnded(session, request, attempt, outcome)));
    return asking;
  };
  const tell = (/** @type {string} */ record, /** @type {boolean} */ isItsTurn) =>
    withCore((core) => core.inTurn(session, request, attempt, record, isItsTurn)) ?? true;
  if (!turn) return askSource();
  // Where other tabs can't be told, there is no turn.
  return askInTurn(canTellTabs() ? turn : "", options.timeout, tell, askSource);
};

/**
 * What a change of sessionStorage came to: whether it was made.
 * @param {(session: NonNullable<ReturnType<typeof storage>>) => void} change
 */
const changed = (change) =>
  attempt(() => {
    change(/** @type {any} */ (storage("sessionStorage")));
    return true;
  }) === true;

/** One object: wasm-bindgen imports the module again for each function that needs no conversion. */
export const host = {
  ask,
  broadcast,
  callerOf,
  deferred: (/** @type {number} */ limit) => new Deferred(limit),
  identityError,
  lend,
  typeOf,
  listeners: () => new Listeners(),
  lookAtMark,
  monotonicNow,
  newMark,
  parseRecord,
  random,
  readIdentity,
  recordText,
  refusal,
  removeItem: (/** @type {string} */ key) => changed((session) => session.removeItem(key)),
  removeRecords,
  resolved: (/** @type {unknown} */ value) => Promise.resolve(value),
  storage: () => storage("sessionStorage"),
  tellTabs,
  tokenOf,
  wakeAfter,
  wallNow,
  writeItem: (/** @type {string} */ key, /** @type {string} */ text) =>
    changed((session) => session.setItem(key, text)),
  writeMark,
};
