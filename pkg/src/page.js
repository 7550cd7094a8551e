// @ts-check
// What the page tells the core, and the core the page: timers, the network's return, and sign-outs, here and in other tabs and workers.
// What a mark means that is there, is another or is missing, the core decides (`src/core/sign_out.rs`).

import { after, attempt, canListen, cancel, global, listen, readLocal } from "./environment.js";
import { MARK, newMark, openedChannel, post, writeMark as leaveMark } from "./sign_out.js";
import { hearTab } from "./tabs.js";

/** @typedef {{wake: () => void, wentOnline: () => void, lookForSignOut: () => void, hearMark: (mark: string) => void, leavePage: () => void, attemptEnded: (session: number, request: number, attempt: number, outcome: object) => void, inTurn: (session: number, request: number, attempt: number, record: string, isItsTurn: boolean) => boolean, askedByTab: (scope: string) => void}} Core */

/** The core, once it runs. @type {Core | undefined} */
let running;
/** @type {any} */
let timer;
/** Carries sign-outs to other tabs and to workers, whatever becomes of localStorage. @type {BroadcastChannel | undefined} */
let channel;
/** What was found where the mark is kept when it was looked at last. @type {string | null | false | undefined} */
let seen;

/** @template T @param {(core: Core) => T} tell @returns {T | undefined} */
export const withCore = (tell) => (running ? tell(running) : undefined);

/** Wakes the core after so many milliseconds, or never if below zero; a later call replaces an earlier one. @param {number} delay */
export const wakeAfter = (delay) => {
  cancel(timer);
  timer = delay >= 0 ? after(() => running?.wake(), delay) : undefined;
};

const openChannel = () => {
  if (channel) return;
  channel = openedChannel();
  if (!channel) return;
  channel.onmessage = ({ data }) => {
    if (typeof data?.scope === "string") hearTab(data, (scope) => running?.askedByTab(scope));
    if (typeof data?.mark !== "string") return;
    running?.hearMark(data.mark);
    // Who said it could not write it (a worker has no localStorage): pages that sleep now look there when they come back. What is left for
    // them says that somebody may have left; this mark itself, written late, would be taken for another sign-out. Another mark than this
    // page saw last is news enough.
    if (!data.isWritten && markThatStands() === seen && writeMark(`-${newMark().slice(1)}`)) lookAnew();
  };
};

const closeChannel = () => {
  attempt(() => channel?.close());
  channel = undefined;
};

/** Watches the page for its whole life. @param {Core} core */
export const watchPage = (core) => {
  running = core;
  openChannel();
  if (!canListen()) return; // Outside browsers there is no page to be left or restored.
  listen("online", core.wentOnline);
  listen("storage", ({ key, newValue }) => {
    // The value that the event carries, not the one that is there now: it may be cleared already.
    if (key === MARK && newValue) core.hearMark(newValue);
    if (key === MARK || key === null) core.lookForSignOut();
  });
  // While it lies in the back/forward cache, or is frozen, a page hears nothing and its timers stand still; an open channel can keep it
  // from being kept there.
  const leave = () => {
    lookAnew();
    core.leavePage();
  };
  const comeBack = () => {
    openChannel();
    core.lookForSignOut();
    core.wake();
  };
  const comeBackFromAway = () => {
    leave();
    comeBack();
  };
  listen("pagehide", () => {
    leave();
    closeChannel();
  });
  listen("pageshow", ({ persisted }) => (persisted ? comeBackFromAway() : openChannel()));
  const document = global("document");
  if (!document) return;
  listen("freeze", leave, document);
  listen("resume", comeBack, document);
  listen("visibilitychange", core.lookForSignOut, document);
  // A prerendered page may be looked at long after it was made.
  if (attempt(() => document.prerendering)) listen("prerenderingchange", comeBackFromAway, document);
};

/** @returns {string | null | false} */
const markThatStands = () => {
  const item = readLocal(MARK);
  return item === null || typeof item === "string" ? item : false;
};

/**
 * What stands where the mark is kept: the mark, null where there is none, false where nothing can be read; undefined when that is
 * what was found the last time, too, so that the core need not be asked.
 * @returns {string | null | false | undefined}
 */
export const lookAtMark = () => {
  const found = markThatStands();
  if (found === seen) return undefined;
  return (seen = found);
};

/** The next look is told to the core whatever it finds: the page was away. */
export const lookAnew = () => {
  seen = undefined;
};

/** Leaves a mark for all tabs of the origin; this page's own is no news to it. @param {string} mark */
export const writeMark = (mark) => {
  const isWritten = leaveMark(mark);
  if (isWritten) seen = mark;
  return isWritten;
};

/** Says to the other tabs that a token of this scope is wanted, or hands one on. @param {string} scope @param {string} record empty: none */
export const tellTabs = (scope, record) => void attempt(() => channel?.postMessage({ scope, record }));

/** Whether other tabs can be told anything. */
export const canTellTabs = () => Boolean(channel);

/** Carries a sign-out to every tab and worker that runs. @param {string} mark @param {boolean} isWritten whether it stands in localStorage, too */
export const broadcast = (mark, isWritten) => {
  openChannel();
  post(channel, mark, isWritten);
};
