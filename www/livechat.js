// The page for LiveChat: ties the site's session, the package and the page together.

import { showBlocked } from "./banner.js";
import { count, showAccounts } from "./counters.js";
import { currentCustomer, followSession, listenToCustomers } from "./customers.js";
import { duration } from "./duration.js";
import { byId, html } from "./element.js";
import { addEntry, fillLog } from "./event_log.js";
import { FAULTS, describeFaults, readState, resetFaults, setFaults, useStandIn } from "./livechat_stand_in.js";
import { sourceAsCode, sourceNote, sourceOf } from "./livechat_sources.js";
import { call, connect, forgetEverything, look, useLibrary } from "./livechat_widget.js";
import { watchNetwork } from "./network.js";
import { tell, tellError, tellsError } from "./outcome.js";
import { choice, listenToClear, openPackage, openSite } from "./page.js";
import { loadRealWidget } from "./real_widget.js";
import * as timeline from "./timeline.js";
import { messageOf } from "./thrown.js";
import { fillTokenPanel, masked, showHasToken, showLife, showToken, shownToken } from "./token_panel.js";

/** @typedef {import("../pkg/index.js").MethodName} MethodName */

/** @typedef {import("../pkg/index.js").Token} Token */

/** What the site says, but for who is signed in. @type {import("./site.js").Session} */
let site;
let hasExpired = false;
/** Whether there is a provider to call. */
let isReady = false;

const options = () => ({
  cache: /** @type {"memory" | "session" | "none"} */ (choice("cache")),
  source: choice("source"),
  patience: Number(byId("patience", HTMLSelectElement).value),
});

/* What the latest call came to. */

/** @param {Token | boolean | void} result */
const outcomeOf = (result) => {
  if (result === undefined) return "undefined";
  return typeof result === "boolean" ? String(result) : `a token of ${masked(result.accessToken)}`;
};

const waiting = { calls: 0 };
/** @template T @param {() => Promise<T>} work */
const whileBusy = async (work) => {
  waiting.calls += 1;
  byId("busy").hidden = false;
  try {
    return await work();
  } finally {
    waiting.calls -= 1;
    byId("busy").hidden = waiting.calls === 0;
  }
};

/** @param {MethodName} method */
const callMethod = (method) =>
  whileBusy(async () => {
    const began = performance.now();
    try {
      const result = await call(method);
      tell(false, [
        html("strong", {}, method),
        ` resolved after ${duration(performance.now() - began)} with ${outcomeOf(result)}.`,
      ]);
      if (typeof result === "object") show(result);
    } catch (error) {
      tellError(method, error);
    }
    await lookAtToken();
  });

/** Twenty calls at once, as a page full of impatient widgets would make them. */
const callBurst = () =>
  whileBusy(async () => {
    const methods = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? "getToken" : "getFreshToken"));
    const began = performance.now();
    const before = requestsBegun;
    const results = await Promise.allSettled(methods.map((method) => call(method)));
    const failed = results.filter((result) => result.status === "rejected");
    const tokens = results.filter((result) => result.status === "fulfilled").map(({ value }) => value);
    const requests = requestsBegun - before;
    if (failed.length > 0) tellError(`${failed.length} of 20 calls`, failed[0].reason);
    else {
      const sent = `${requests} request${requests === 1 ? "" : "s"}`;
      tell(false, [
        html("strong", {}, "20 calls"),
        ` resolved after ${duration(performance.now() - began)} with ${sent}.`,
      ]);
      show(tokens[tokens.length - 1]);
    }
    await lookAtToken();
  });

/* The token. */

/** @param {Token} token */
const show = (token) => {
  hasExpired = false;
  showToken(token);
};

/** Looks whether there is a usable token, and shows it; never asks for one. */
const lookAtToken = async () => {
  try {
    const has = await look("hasToken");
    showHasToken(has);
    // While a request runs, getToken would wait for it; its end brings us back here.
    if (running.size > 0) return;
    const shown = shownToken();
    if (has) show(await look("getToken"));
    else if (
      shown &&
      !hasExpired &&
      Date.now() >= shown.creationDate + shown.expiresIn * 0.9 &&
      choice("cache") !== "none"
    ) {
      hasExpired = true;
      // An error that stands there says more.
      if (!tellsError()) tell(false, "The token has expired: the next getToken asks for another.");
    }
  } catch (error) {
    showHasToken(undefined);
    showBlocked(error);
  }
};

/* What happens. */

let requestsBegun = 0;
/** The requests that run, by their numbers. */
const running = new Set();
let isLookWanted = false;
let isStateWanted = false;

/** @param {import("../pkg/index.js").IdentityEvent} event */
const onEvent = (event) => {
  timeline.addEvent(event);
  addEntry(event);
  count(event);
  // It says nothing of the token.
  if (event.type === "core_started") return;
  switch (event.type) {
    case "request_began":
      requestsBegun += 1;
      running.add(event.request);
      break;
    case "request_retrying":
      tell(false, [
        `Attempt ${event.attempt} of request ${event.request} failed: `,
        html("strong", {}, event.code),
        `. The source is asked again in ${duration(event.delay)}.`,
      ]);
      break;
    case "request_succeeded":
    case "request_shared":
    case "request_failed":
    case "request_aborted":
      running.delete(event.request);
      break;
    case "invalidated":
    case "identity_changed":
    case "may_have_left":
      showToken(null);
      break;
    case "signed_out":
      showToken(null);
      if (event.origin === "other_tab") void followSession();
      break;
  }
  wantLook();
  wantState();
};

/** Looks at the token once, after any number of events: they come from within the package, which has to be done first. */
const wantLook = () => {
  if (isLookWanted) return;
  isLookWanted = true;
  setTimeout(() => {
    isLookWanted = false;
    void lookAtToken();
  });
};

/** Reads the stand-in's counters soon, once for any number of events. */
const wantState = () => {
  if (isStateWanted) return;
  isStateWanted = true;
  setTimeout(async () => {
    isStateWanted = false;
    try {
      const state = await readState();
      showAccounts(state);
      if (state) byId("faults-now").textContent = describeFaults(state.faults);
    } catch (error) {
      byId("faults-now").textContent = `The stand-in cannot be reached: ${messageOf(error)}`;
    }
  }, 250);
};

/** What LiveChat's client does when its connection starts. */
const playConnection = async () => {
  await callMethod("hasToken");
  await callMethod("getToken");
};

/* The options. */

const accountOptions = () => {
  const { licenseId, organizationId } = site.livechat;
  return { ...(licenseId != null && { licenseId }), ...(organizationId != null && { organizationId }) };
};

const showSnippet = () => {
  const { cache, source, patience } = options();
  const lines = [
    ...Object.entries(accountOptions()).map(([name, value]) => `${name}: ${JSON.stringify(value)},`),
    "identity: () => session.customer?.id ?? null,",
    `source: ${sourceAsCode(source, site.livechat)},`,
    ...(cache === "session" ? [] : [`cache: "${cache}",`]),
    ...(patience === 30_000 ? [] : [`patience: ${patience},`]),
  ];
  byId("snippet").textContent =
    `window.__lc.custom_identity_provider =\n() => custom_identity_provider({\n${lines.map((line) => `  ${line}`).join("\n")}\n});`;
  const note = sourceNote(source);
  byId("source-note").textContent = note;
  byId("source-note").hidden = note === "";
};

const useOptions = () => {
  // What a former provider's requests come to is not heard any more.
  running.clear();
  const { cache, source, patience } = options();
  connect(
    { ...accountOptions(), identity: currentCustomer, source: sourceOf(source, site.livechat), cache, patience },
    onEvent,
  );
  showSnippet();
};

const listenToOptions = () => {
  byId("cache").addEventListener("change", async () => {
    // A cache that is no longer used would keep its token lying there.
    await look("invalidate").catch(showBlocked);
    showToken(null);
    useOptions();
    await lookAtToken();
    tell(false, "The caching changed, and the token is gone. The next getToken asks for another.");
  });
  byId("source").addEventListener("change", async () => {
    useOptions();
    await lookAtToken();
    tell(false, [
      "The source changed. ",
      html("strong", {}, "getFreshToken"),
      " asks the new one; a cached token stays good.",
    ]);
  });
  byId("patience").addEventListener("change", useOptions);
};

/* The stand-in. */

const listenToFaults = () => {
  byId("faults").addEventListener("submit", async (event) => {
    event.preventDefault();
    const form = new FormData(byId("faults", HTMLFormElement));
    try {
      await setFaults({ ...FAULTS[String(form.get("fault"))], remaining: form.has("once") ? 1 : null });
      wantState();
    } catch (error) {
      return tellError("The stand-in", error);
    }
    await callMethod("getFreshToken");
  });
  byId("reset-faults").addEventListener("click", async () => {
    try {
      await resetFaults();
      wantState();
      tell(false, "No fault is set any more.");
    } catch (error) {
      tellError("The stand-in", error);
    }
  });
  byId("expire").addEventListener("click", async () => {
    try {
      // The identity_token grant asks the accounts twice for one token.
      await setFaults({ lifetime_seconds: 10, remaining: choice("source") === "identity_token" ? 2 : 1 });
    } catch (error) {
      return tellError("The stand-in", error);
    }
    await callMethod("getFreshToken");
  });
};

/* The beginning. */

const begin = async () => {
  fillTokenPanel();
  fillLog("Everything that happens is listed here, newest first: the timeline in words.");
  timeline.start();
  showToken(null);
  showAccounts(null);
  const said = await openSite({
    forget: forgetEverything,
    looked: lookAtToken,
    // Who signs in before the package is there is served when it is.
    entered: () => (isReady ? playConnection() : undefined),
    left: () => tell(false, "Signed out: every tab has forgotten the token."),
    shown: () => (byId("expire", HTMLButtonElement).disabled = currentCustomer() === null),
    // The real widget keeps what it shows: for somebody else it has to begin anew, with the page.
    mustReload: (before, now) => site.livechat.real && before !== now,
  });
  if (!said) return;
  site = said;
  useStandIn(site.livechat.standInUrl);
  for (const element of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".stand-in-only")))
    element.hidden = site.livechat.real;
  const library = await openPackage();
  if (!library) return;
  useLibrary(library);
  useOptions();
  isReady = true;
  const wasSignedIn = currentCustomer() !== null;
  listenToOptions();
  listenToFaults();
  watchNetwork(timeline.addSent);
  for (const button of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-method]"))) {
    button.addEventListener("click", () => void callMethod(/** @type {MethodName} */ (button.dataset.method)));
  }
  byId("burst").addEventListener("click", () => void callBurst());
  listenToClear();
  listenToCustomers();
  setInterval(() => {
    showLife();
    if (shownToken()) void lookAtToken();
  }, 1000);
  // What others had done before is not counted here.
  await readState().then(showAccounts, wantState);
  if (site.livechat.real) loadRealWidget();
  if (wasSignedIn) await playConnection();
  else await lookAtToken();
};

await begin();
