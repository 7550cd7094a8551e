// The log: every event of the package, and what a stand-in does, as a sentence, newest first.

import { byId, html } from "./element.js";
import { duration, timeOfDay } from "./duration.js";
import { fillPanel } from "./panel.js";

/** @typedef {import("../pkg/index.js").IdentityEvent} IdentityEvent */

/** Fills the panel; `note` is what it says while nothing has happened. @param {string} note */
export const fillLog = (note) => {
  fillPanel(
    "log",
    "Log",
    html("button", { id: "clear", type: "button", class: "quiet" }, "Clear log and timeline"),
    html("p", { id: "log-empty", class: "note" }, note),
    html(
      "div",
      { class: "scroll", role: "region", "aria-label": "Entries of the log", tabindex: "0" },
      html("ol", { id: "log", reversed: true }),
    ),
  );
};

/** More than this nobody reads. */
const LENGTH = 200;

/** @type {{ [Type in IdentityEvent["type"]]: (event: Extract<IdentityEvent, { type: Type }>) => string }} */
const SENTENCES = {
  core_started: ({ form }) =>
    form === "javascript"
      ? "the core runs as JavaScript, for this page cannot run WebAssembly"
      : "the core runs as WebAssembly",
  call: ({ method }) => `${method}() was called`,
  cache_hit: ({ remaining }) => `answered from the cache; ${duration(remaining)} left`,
  joined: ({ method, request }) => `${method} joined request ${request}`,
  request_began: ({ request, reason }) =>
    `request ${request} began (${{ get: "no usable token", fresh: "a fresh one was asked for", ahead: "ahead of expiry" }[reason]})`,
  request_retrying: ({ request, attempt, code, delay }) =>
    `request ${request}, attempt ${attempt} failed: ${code}; again in ${duration(delay)}`,
  request_succeeded: ({ request, duration: took, lifetime, cached }) =>
    lifetime === 0
      ? `request ${request} brought a code after ${duration(took)}, good for one redemption`
      : `request ${request} brought a token after ${duration(took)}, good for ${duration(lifetime)}${cached ? "" : ", not cached"}`,
  request_shared: ({ request, remaining }) =>
    `request ${request} was answered with another tab’s token; ${duration(remaining)} left`,
  request_failed: ({ request, duration: took, code }) => `request ${request} failed after ${duration(took)}: ${code}`,
  request_aborted: ({ request, why }) => `request ${request} was aborted: ${why.replace("_", " ")}`,
  cooling_down: ({ remaining }) => `refused: cooling down for ${duration(remaining)}`,
  restored: ({ remaining }) => `a token was found in sessionStorage; ${duration(remaining)} left`,
  record_rejected: ({ why }) => `a stored record was removed: ${why.replace("_", " ")}`,
  storage_failed: ({ action }) => `storage failed to ${action}; the token lives in memory`,
  invalidated: () => "the token was forgotten",
  may_have_left: () => "somebody may have left without a word: the token was forgotten",
  signed_out: ({ origin }) => (origin === "other_tab" ? "signed out in another tab" : "signed out"),
  identity_changed: () => "somebody else is signed in: the former token is gone",
  entity_changed: ({ request, widget }) =>
    `request ${request} brought another ${widget === "livechat" ? "entity id" : "subject"}`,
  short_lifetime: ({ lifetime }) => `the token lives only ${duration(lifetime)}: most likely seconds were meant`,
  clock_skew: () => "the token’s date disagrees with this machine’s clock",
  widget_answered: ({ ok, code }) =>
    ok ? "the callback was answered with what it asked for" : `the callback was answered without a token: ${code}`,
  sign_in_asked: () => "nobody is signed in: the page asks somebody to",
  widget_error: ({ errorCode, meaning }) => `lcw:error ${errorCode}: ${meaning}`,
};

const BAD = new Set([
  "request_retrying",
  "request_failed",
  "cooling_down",
  "record_rejected",
  "storage_failed",
  "widget_error",
]);

/** @param {number} at @param {string} sentence @param {import("./element.js").Attributes} attributes */
const add = (at, sentence, attributes) => {
  const list = byId("log");
  list.prepend(
    html(
      "li",
      attributes,
      html("time", { datetime: new Date(at).toISOString() }, timeOfDay(at)),
      html("span", {}, sentence),
    ),
  );
  while (list.children.length > LENGTH) list.lastElementChild?.remove();
  byId("log-empty").hidden = true;
};

/** Adds one event of the package. @param {IdentityEvent} event */
export const addEntry = (event) => {
  const isBad = BAD.has(event.type) || (event.type === "widget_answered" && !event.ok);
  const sentence = /** @type {((event: IdentityEvent) => string) | undefined} */ (SENTENCES[event.type]);
  add(event.at, sentence?.(event) ?? event.type, { class: isBad && "bad", "data-type": event.type });
};

/** Adds what a stand-in does, in its own words. @param {string} sentence @param {boolean} isBad */
export const addNote = (sentence, isBad = false) =>
  add(Date.now(), sentence, { class: isBad ? "foreign bad" : "foreign", "data-type": "stand_in" });

/** Empties the log. */
export const clearLog = () => {
  byId("log").replaceChildren();
  byId("log-empty").hidden = false;
};
