// @ts-check
// What a source failed with, as facts. HTTP clients wrap what happened in errors of their own: it is found in their fields, of whatever class and
// frame they are, by identifiers before words, since words differ by engine and language. What it means, the core decides (`src/core/outcome.rs`).

import { attempt, isOffline, wallNow } from "./environment.js";
import { IdentityError } from "./error.js";

/** Where what happened is kept: axios, ky, urql the response, ofetch and Node the cause, Apollo networkError, RTK Query and Angular error, events target. */
const INNER = ["response", "cause", "networkError", "error", "originalError", "target", "request"];
/** So many objects are looked at. */
const MOST = 16;

/** Identifiers of who gave up waiting: a client's timeout, or the abort by which it or its user ends a wait. */
const TIMED_OUT = /time[d_-]*out|abort|cancel/i;
/** Identifiers of a failing network, in browsers' clients and in Node. */
const NETWORK = /network|^FETCH_ERROR|^E(CONN|NOTFOUND|AI_|PIPE|HOST|NET)|SOCKET|CLOSE|MISMATCH|^ERR_(CONN|INTERNET|NAME|HTTP2)/i;
/** Words of Chromium, Firefox, WebKit, Node and polyfills, where nothing else tells. */
const NETWORK_WORDS = /^(\w*Error: )?(failed to fetch|networkerror|load failed|network |error in input stream|the (network|internet) |fetch failed|could not connect|stream has been aborted)/i;
/** How the three engines word a TypeError that somebody's program made. */
const MISTAKE_WORDS = /\bis (not|null|an? )|undefined|can(no|')t (?!be )|invalid|already|illegal|failed to (ex|con|pa)/i;

/** Headers in whatever form: a Headers, a Map, pairs or a plain object. @param {any} headers @returns {[string, unknown][]} */
export const pairsOf = (headers) => attempt(() => [...headers]) ?? attempt(() => Object.entries(headers)) ?? [];

/**
 * Retry-After (RFC 9110, section 10.2.3) of a response, or of the request that keeps its headers: seconds or a date, in milliseconds from now.
 * @param {any} response
 */
export const retryAfterOf = (response) => {
  const name = "retry-after";
  const headers = attempt(() => response.headers);
  const text = String(
    attempt(() => headers.get(name)) ??
      pairsOf(headers).find((pair) => attempt(() => pair[0].toLowerCase()) === name)?.[1] ??
      // Asking an XMLHttpRequest for a header that it may not tell is an error in the console.
      attempt(() => /^retry-after: *(.*)/im.exec(response.getAllResponseHeaders())?.[1]),
  );
  if (/^\s*\d+\s*$/.test(text)) return Number(text) * 1000;
  // Without the name of a month, engines take any number for a date.
  const date = /[a-z]{3}/i.test(text) ? Date.parse(text) : NaN;
  return date === date ? Math.max(date - wallNow(), 0) : undefined;
};

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
    const [name, message, status] = ["name", "message", "status"].map(field);
    if (value === cause) {
      const retryable = field("retryable");
      if (typeof retryable === "boolean") facts.retryable = retryable;
      const pause = field("retryAfter");
      if (Number.isFinite(pause) && pause >= 0) facts.retryAfter = pause;
      if (value instanceof IdentityError) {
        facts.code = String(field("code"));
        facts.message = String(message);
      }
    }
    for (const number of [status, field("statusCode"), field("originalStatus")]) {
      // An XMLHttpRequest that got no answer says 0.
      if (number === 0) facts.network = true;
      else if (/^[1-9]\d\d$/.test(attempt(() => String(number)) ?? "")) facts.status ??= Number(number);
    }
    for (const word of [value, name, field("code"), field("type"), field("statusText"), status]) {
      if (typeof word !== "string" || /\s/.test(word)) continue;
      if (TIMED_OUT.test(word)) facts.timedOut = true;
      if (NETWORK.test(word)) facts.network = true;
    }
    if (
      NETWORK_WORDS.test(typeof value === "string" ? value : message) ||
      // superagent's, and the event of whatever could not be loaded; one with a message tells of a script's own error.
      field("crossDomain") === true ||
      (field("type") === "error" && message === undefined)
    ) {
      facts.network = true;
    }
    if (/^(Eval|Range|Reference|Syntax|URI)Error$/.test(name)) facts.mistaken = true;
    if (name === "TypeError") {
      if (!field("stack")) facts.network = true;
      else if (MISTAKE_WORDS.test(message)) facts.mistaken = true;
      else facts.unclear = true;
    }
    if (field("redirected") === true) facts.redirected = true;
    facts.retryAfter ??= retryAfterOf(value);
    for (const inner of INNER.map(field)) if (inner && values.length < MOST && !values.includes(inner)) values.push(inner);
  }
  return facts;
};
