// @ts-check
// Whom a running widget serves, watched for as long as the widget is connected: nobody may find the conversation of who was there before.

import {
  Promise,
  after,
  cancel,
  complain,
  global,
  listen,
  monotonicNow,
  queueMicrotask,
  unlisten,
  weakly,
} from "./environment.js";
import { readIdentity } from "./identity.js";

/** A person by the page's own user id; null: nobody; undefined: the page does not say. @typedef {string | null | undefined} Person */
/**
 * What one call of a connecting function brought.
 * @typedef {object} Connection
 * @property {(() => unknown) | null | undefined} identity
 * @property {(() => void) | undefined} onSignOut
 * @property {boolean} [hasGuests] whether nobody is served, too
 */
/**
 * What can be done with a widget. None of it throws.
 * @template {Connection} C
 * @typedef {object} Widget
 * @property {(connection: C, person: Person) => void} attach has the person served; called again and again
 * @property {(connection: C, from: Person | false, to: Person) => void} end takes what `from` sees off the page, at once; false: nobody was served by us
 * @property {(connection: C, person: Person) => void} begin what was ended begins anew
 * @property {() => void} detach nobody is connected any longer
 * @property {() => unknown} instance tells one widget from another that came in its place
 */
/**
 * @template {Connection} C
 * @typedef {{connect: (connection: C, isWeak?: boolean) => () => void, hear: (event: {type: string}) => void}} Watch
 */

/** How often a page is asked who is there: pages that sign somebody in tell nobody. Milliseconds, at first and at most. */
const FIRST = 16;
const MOST = 1_000;
/** How long a page that signed out may take to say who is there now. Milliseconds. */
const GRACE = 1_000;
/** How long the change that follows a sign-out is told as one with it. Milliseconds. */
const AFTERMATH = 10_000;

/** When a page may have changed while nobody looked; and before anything that a person does to it. */
const HINTS = ["focus", "pageshow", "storage", "pointerdown", "keydown"];

/**
 * Watches for one widget of the page, however often it is connected: the first connection that stands serves, the others wait.
 * @template {Connection} C
 * @param {Widget<C>} widget
 * @returns {Watch<C>}
 */
export const watchPerson = (widget) => {
  /** @type {{deref: () => C | undefined}[]} */
  let connections = [];
  /** Whom the widget serves; false: it was not begun for anybody by us. @type {Person | false} */
  let served = false;
  /** The latest sign-out: who left, and when. @type {{person: Person | false, at: number} | undefined} */
  let departure;
  /** Whether what was ended has not yet begun anew. */
  let isWaiting = false;
  /** Whether this sign-out was heard already: every session tells it. */
  let isHeard = false;
  let delay = FIRST;
  /** @type {any} */
  let timer;
  /** @type {unknown} */
  let instance;

  const active = () => {
    connections = connections.filter((entry) => entry.deref());
    return connections[0]?.deref();
  };

  /** Tells the page that somebody left; a function that several connections have is told once. */
  const callOnSignOut = () => {
    for (const onSignOut of new Set(connections.map((entry) => entry.deref()?.onSignOut))) {
      new Promise((resolve) => resolve(onSignOut?.())).catch((error) =>
        complain("custom-identity-provider: onSignOut threw", error),
      );
    }
  };

  /** @param {C} connection @param {Person} person */
  const begin = (connection, person) => {
    isWaiting = false;
    served = person;
    widget.attach(connection, person);
    widget.begin(connection, person);
  };

  const look = () => {
    cancel(timer);
    const connection = active();
    if (!connection) return rest();
    timer = after(look, delay);
    delay = Math.min(2 * delay, MOST);
    const person = typeof connection.identity === "function" ? readIdentity(connection.identity) : undefined;
    // Where the page cannot tell, nothing is known to have changed.
    if (typeof person === "object" && person) return widget.attach(connection, served === false ? null : served);
    const since = departure ? monotonicNow() - departure.at : Infinity;
    if (isWaiting) {
      if (person !== departure?.person || since >= GRACE) begin(connection, person);
      return;
    }
    if (person === served) return widget.attach(connection, person);
    const from = served;
    const isKnown = from === departure?.person && since < AFTERMATH;
    departure = undefined;
    delay = FIRST;
    widget.end(connection, from, person);
    begin(connection, person);
    if (typeof from === "string" && !isKnown) callOnSignOut();
  };

  const rest = () => {
    cancel(timer);
    for (const hint of HINTS) unlisten(hint, look);
    unlisten("visibilitychange", look, global("document"));
    instance = widget.instance();
    widget.detach();
  };

  return {
    connect: (connection, isWeak = false) => {
      if (!active()) {
        for (const hint of HINTS) listen(hint, look);
        listen("visibilitychange", look, global("document"));
        if (instance !== widget.instance()) served = false;
      }
      const entry = isWeak ? weakly(connection) : { deref: () => connection };
      connections.push(entry);
      delay = FIRST;
      look();
      return () => {
        if (!connections.includes(entry)) return;
        connections = connections.filter((other) => other !== entry);
        look();
      };
    },
    hear: ({ type }) => {
      if (type === "identity_changed") look();
      if (!/^(signed_out|may_have_left)$/.test(type) || isHeard) return;
      isHeard = true;
      queueMicrotask(() => (isHeard = false));
      const connection = active();
      if (!connection || served === false || (served === null && !connection.hasGuests)) return look();
      departure = { person: served, at: monotonicNow() };
      isWaiting = true;
      delay = FIRST;
      widget.end(connection, served, null);
      look();
      if (type === "signed_out") callOnSignOut();
    },
  };
};
