// The log: every event of the package as a sentence, newest first.

import { byId, html } from "./element.js";
import { duration, timeOfDay } from "./duration.js";

/** More than this nobody reads. */
const LENGTH = 200;

const SENTENCES = {
  call: ({ method }) => `${method}() was called`,
  cache_hit: ({ remaining }) => `answered from the cache; ${duration(remaining)} left`,
  joined: ({ method, request }) => `${method} joined request ${request}`,
  request_began: ({ request, reason }) =>
    `request ${request} began (${{ get: "no usable token", fresh: "a fresh one was asked for", ahead: "ahead of expiry" }[reason]})`,
  request_retrying: ({ request, attempt, code, delay }) =>
    `request ${request}, attempt ${attempt} failed: ${code}; again in ${duration(delay)}`,
  request_succeeded: ({ request, duration: took, lifetime, cached }) =>
    `request ${request} brought a token after ${duration(took)}, good for ${duration(lifetime)}${cached ? "" : ", not cached"}`,
  request_failed: ({ request, duration: took, code }) => `request ${request} failed after ${duration(took)}: ${code}`,
  request_aborted: ({ request, why }) => `request ${request} was aborted: ${why.replace("_", " ")}`,
  cooling_down: ({ remaining }) => `refused: cooling down for ${duration(remaining)}`,
  restored: ({ remaining }) => `a token was found in sessionStorage; ${duration(remaining)} left`,
  record_rejected: ({ why }) => `a stored record was removed: ${why.replace("_", " ")}`,
  storage_failed: ({ action }) => `storage failed to ${action}; the token lives in memory`,
  invalidated: () => "the token was forgotten",
  signed_out: ({ origin }) => (origin === "other_tab" ? "signed out in another tab" : "signed out"),
  identity_changed: () => "somebody else is signed in: the former token is gone",
  entity_changed: ({ request }) => `request ${request} brought another entity id`,
  short_lifetime: ({ lifetime }) => `the token lives only ${duration(lifetime)}: most likely seconds were meant`,
  clock_skew: () => "the token’s date disagrees with this machine’s clock",
};

const BAD = new Set(["request_retrying", "request_failed", "cooling_down", "record_rejected", "storage_failed"]);

/** Adds one event of the package. */
export const addEntry = (event) => {
  const sentence = SENTENCES[event.type]?.(event) ?? event.type;
  const list = byId("log");
  list.prepend(
    html("li", { class: BAD.has(event.type) && "bad", "data-type": event.type },
      html("time", { datetime: new Date(event.at).toISOString() }, timeOfDay(event.at)), html("span", {}, sentence)),
  );
  while (list.children.length > LENGTH) list.lastElementChild.remove();
  byId("log-empty").hidden = true;
};

/** Empties the log. */
export const clearLog = () => {
  byId("log").replaceChildren();
  byId("log-empty").hidden = false;
};
