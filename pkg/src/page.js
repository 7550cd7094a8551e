// @ts-check
// What the page tells the core, and the core the page: timers, the network's return, sign-outs in other tabs, events for listeners.

import { LONGEST_TIMER } from "./promise.js";

/** @typedef {{wake: () => void, wentOnline: () => void, noticeSignOut: () => void, noticeGeneration: (generation: string) => void}} Told */

/** Everything that this package stores begins with this. */
const PREFIX = "custom_identity_provider:";
/** Where the mark of the latest sign-out is kept, for all tabs of the origin. */
const GENERATION = `${PREFIX}generation`;

/** What is told; the core, once it runs. @type {Told | undefined} */
let told;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;
/** Carries sign-outs to other tabs where localStorage, whose events do it otherwise, is blocked. @type {BroadcastChannel | undefined} */
let channel;

/** Wakes the core after so many milliseconds, or never if below zero; a later call replaces an earlier one. @param {number} delay */
export const wakeAfter = (delay) => {
  clearTimeout(timer);
  if (delay >= 0) timer = setTimeout(() => told?.wake(), Math.min(delay, LONGEST_TIMER));
};

/** Watches the page for its whole life. @param {Told} core */
export const watchPage = (core) => {
  told = core;
  if (typeof addEventListener !== "function") return; // Outside browsers there is neither another tab nor a page to restore.
  addEventListener("online", core.wentOnline);
  addEventListener("storage", ({ key }) => {
    // Without a key everything was cleared, the mark with it.
    if (key === null || key === GENERATION) core.noticeSignOut();
  });
  addEventListener("pageshow", ({ persisted }) => {
    if (!persisted) return;
    // While the page lay in the back/forward cache it heard nothing, and its timers stood still.
    core.noticeSignOut();
    core.wake();
  });
};

/** The mark of a new sign-out; nobody may guess the salt that it is, too. */
export const newGeneration = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16)).join("");

/** Removes the records of all sessions, also of those that this page never opened. */
export const removeRecords = () => {
  try {
    for (const key of Object.keys(sessionStorage)) if (key.startsWith(PREFIX)) sessionStorage.removeItem(key);
  } catch {
    // Where storage is blocked there is nothing to remove, and each session has said so by an event.
  }
};

/** Listens for sign-outs where localStorage is blocked. */
export const openChannel = () => {
  if (typeof BroadcastChannel !== "function") return;
  channel = new BroadcastChannel(GENERATION);
  // Node would wait for messages before it exits.
  /** @type {{unref?: () => void}} */ (channel).unref?.();
  channel.onmessage = ({ data }) => told?.noticeGeneration(String(data));
};

/** Carries a sign-out to the tabs that listen so. @param {string} generation */
export const broadcast = (generation) => channel?.postMessage(generation);

/**
 * Tells a listener an event; what it throws hurts nobody else.
 * @param {Function} listener
 * @param {string} type
 * @param {string} widget
 * @param {object} details
 */
export const notify = (listener, type, widget, details) => {
  try {
    listener({ type, widget, at: Date.now(), ...details });
  } catch (error) {
    console.error("custom-identity-provider: onEvent threw", error);
  }
};

/**
 * Tells every listener an event, once, also when several handles have the same listener.
 * @param {Map<number, (event: object) => void>} listeners
 * @param {string} type
 * @param {string} widget
 * @param {[string, unknown][]} details
 */
export const tell = (listeners, type, widget, details) => {
  for (const listener of new Set(listeners.values())) notify(listener, type, widget, Object.fromEntries(details));
};
