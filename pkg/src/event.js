// @ts-check
// Who listens to events, and how listeners are called.

import { complain, wallNow, weakly } from "./environment.js";

/**
 * Calls a listener with an event; what it throws does no other harm.
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
    /** @type {WeakMap<Function, {listener: {deref: () => Function | undefined}, handles: number}>} */
    this.known = new WeakMap();
    this.told = new Set();
  }

  /** A handle's listener, if it has one, until the handle is garbage. @param {Function | undefined} listener */
  add(listener) {
    if (!listener) return { close: () => {} };
    const entry = this.known.get(listener) ?? { listener: weakly(listener), handles: 0 };
    entry.handles += 1;
    this.known.set(listener, entry);
    this.told.add(entry);
    const close = () => {
      if ((entry.handles -= 1) === 0) this.told.delete(entry);
    };
    return { close };
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
