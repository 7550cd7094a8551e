// @ts-check
// What listeners are told, and which listeners there are.

import { complain, wallNow, weakly } from "./environment.js";

/**
 * Tells a listener an event; what it throws hurts nobody else.
 * @param {Function} listener
 * @param {string} type
 * @param {string} widget
 * @param {object} details
 */
export const notify = (listener, type, widget, details) => {
  try {
    listener({ type, widget, at: wallNow(), ...details });
  } catch (error) {
    complain("custom-identity-provider: onEvent threw", error);
  }
};

/**
 * Who listens to a session. A listener is kept by the handles that brought it, not from here: it may hold its own handle, and neither would
 * ever be garbage. One that several handles have is told once.
 */
export class Listeners {
  constructor() {
    /** @type {Map<number, {listener: {deref: () => Function | undefined}, handles: number}>} */
    this.byHandle = new Map();
    /** @type {WeakMap<Function, {listener: {deref: () => Function | undefined}, handles: number}>} */
    this.known = new WeakMap();
    this.told = new Set();
  }

  /** @param {number} handle @param {Function} listener */
  add(handle, listener) {
    const entry = this.known.get(listener) ?? { listener: weakly(listener), handles: 0 };
    entry.handles += 1;
    this.known.set(listener, entry);
    this.byHandle.set(handle, entry);
    this.told.add(entry);
  }

  /** The handle is garbage. @param {number} handle */
  remove(handle) {
    const entry = this.byHandle.get(handle);
    this.byHandle.delete(handle);
    if (entry && (entry.handles -= 1) === 0) this.told.delete(entry);
  }

  isEmpty() {
    return this.told.size === 0;
  }

  /** @param {string} type @param {string} widget @param {any[]} flat each detail's name, and what it is */
  tell(type, widget, flat) {
    /** @type {Record<string, unknown>} */
    const details = {};
    for (let at = 0; at < flat.length; at += 2) details[flat[at]] = flat[at + 1];
    for (const { listener } of [...this.told]) {
      const found = listener.deref();
      if (found) notify(found, type, widget, details);
    }
  }
}
