// @ts-check
// Reads the facts out of what a source failed with. HTTP clients wrap what happened in errors of their own, of any class and frame: the facts are found in
// their fields, by identifiers before words, since words differ by engine and language. What they mean, the core decides (`src/core/outcome.rs`).

import { attempt, isOffline, wallNow } from "./environment.js";
import { IdentityError } from "./error.js";
import { pairsOf } from "./headers.js";

/** Where what happened is kept: axios, ky, urql the response, ofetch and Node the cause, Apollo networkError, RTK Query and Angular error, events target. */
const INNER = ["response", "cause", "networkError", "error", "originalError", "target", "request"];
/** How many objects are looked at. */
const MOST = 16;

/** Identifiers of a wait that was given up: a client's timeout, or the abort by which the client or its user ends a wait. */
const TIMED_OUT = /time[d_-]*out|abort|cancel/i;
/** Identifiers of a failing network, in browsers' clients and in Node. */
const NETWORK =
  /network|FETCH_ERROR|\bE(CONN|NOTFOUND|AI_|PIPE|HOST|NET)|SOCKET|CLOSE|MISMATCH|\bERR_(CONN|INTERNET|NAME|HTTP2)/i;
/** Words of Chromium, Firefox, WebKit, Node, polyfills and clients, for when there is nothing else to go by. */
const NETWORK_WORDS =
  /^(\w*Error: )?(failed to fetch|networkerror|load failed|network |fetch failed|stream has been aborted)/i;
/** How the three engines word a TypeError that comes from a mistake in a program. */
const MISTAKE_WORDS =
  /\bis (not|null|an? )|undefined|can(no|')t (?!be )|valid|already|illegal|disturbed|failed to (ex|con|pa)/i;

/**
 * Retry-After (RFC 9110, section 10.2.3) of a response, or of the request that keeps its headers: seconds or a date, in milliseconds from now.
 * @param {any} response
 */
export const retryAfterOf = (response) =>
  attempt(() => {
    const name = "retry-after";
    const headers = attempt(() => response.headers);
    const text = String(
      attempt(() => headers.get(name)) ??
        pairsOf(headers).find((pair) => attempt(() => pair[0].toLowerCase()) === name)?.[1] ??
        // Asking an XMLHttpRequest for a header that it may not reveal prints an error to the console.
        /^retry-after: *(.*)/im.exec(response.getAllResponseHeaders())?.[1],
    );
    if (/^\s*\d+\s*$/.test(text)) return Number(text) * 1000;
    // Without the name of a month, engines take any number for a date.
    const pause = Math.max(Date.parse(text) - wallNow(), 0);
    return /[a-z]{3}/i.test(text) && pause >= 0 ? pause : undefined;
  });

/**
 * @param {any} cause what a source failed with
 * @returns {import("./source.js").Outcome}
 */
export const factsOf = (cause) => {
  /** @type {import("./source.js").Outcome} */
  const facts = { ok: false, cause, network: isOffline() };
  const values = [cause];
  for (const value of values) {
    /** Own or inherited. A getter may throw, and so may a Proxy. @param {string} name */
    const field = (name) => attempt(() => value[name]);
    // Anything but text could run code of the page once more.
    const [name, message, code, type, statusText] = ["name", "message", "code", "type", "statusText"]
      .map(field)
      .map(textOf);
    const statuses = ["status", "statusCode", "originalStatus"].map(field);
    if (value === cause) {
      facts.retryable = field("retryable");
      facts.retryAfter = field("retryAfter");
      if (!(Number.isFinite(facts.retryAfter) && Number(facts.retryAfter) >= 0)) facts.retryAfter = undefined;
      if (value instanceof IdentityError) {
        facts.code = code;
        facts.message = message;
      }
    }
    for (const status of statuses) {
      // An XMLHttpRequest that got no answer says 0.
      if (status === 0) facts.network = true;
      else if (/^[1-9]\d\d$/.test(typeof status === "number" ? `${status}` : textOf(status)))
        facts.status ??= Number(status);
    }
    const words = [textOf(value), name, code, type, statusText, textOf(statuses[0])]
      .filter((word) => !/\s/.test(word))
      .join(" ");
    if (TIMED_OUT.test(words)) facts.timedOut = true;
    if (
      NETWORK.test(words) ||
      NETWORK_WORDS.test(textOf(value) || message) ||
      // superagent's, and the event of whatever could not be loaded; one with a message tells of a script's own error.
      field("crossDomain") === true ||
      (type === "error" && field("message") === undefined) ||
      (name === "TypeError" && !field("stack"))
    ) {
      facts.network = true;
    }
    if (
      /^(Eval|Range|Reference|Syntax|URI)Error$/.test(name) ||
      (name === "TypeError" && field("stack") && MISTAKE_WORDS.test(message))
    )
      facts.mistaken = true;
    else if (name === "TypeError") facts.unclear = true;
    if (field("redirected") === true) facts.redirected = true;
    facts.retryAfter ??= retryAfterOf(value);
    for (const inner of INNER.map(field))
      if (inner && values.length < MOST && !values.includes(inner)) values.push(inner);
  }
  return facts;
};

/** @param {unknown} value */
const textOf = (value) => (typeof value === "string" ? value : "");
