// The page for Microsoft Omnichannel: the package's connection, a stand-in of the widget, and what passes between them.

import { clearChat, say, showCustomer, showState } from "./chat_window.js";
import { currentCustomer } from "./customers.js";
import { byId, html } from "./element.js";
import { addNote } from "./event_log.js";
import { showJwt } from "./jwt_panel.js";
import { organizationOf, sourceAsCode, sourceOf } from "./jwt_sources.js";
import { loadOmnichannelStandIn } from "./omnichannel_stand_in.js";
import { tell } from "./outcome.js";
import { choice } from "./page.js";
import { onEvent, startWidgetPage } from "./widget_page.js";

const ENDPOINT = "/omnichannel/token";
const KEYS = "/omnichannel/public-keys";

/** @typedef {import("./omnichannel_stand_in.js").Report} Report */

/** @type {typeof import("../pkg/index.js")} */
let library;
/** @type {import("./site.js").Session} */
let site;
/** Undoes the connection; null while there is none. @type {(() => void) | null} */
let undo = null;
/** Takes the stand-in from the page. */
let unload = () => {};

const sdk = () => window.Microsoft?.Omnichannel?.LiveChatWidget?.SDK;

/* What the stand-in does. */

/** @param {Extract<Report, { type: "failed" }>} report */
const failed = ({ errorCode, description, why }) => {
  showState(`error ${errorCode}`, false);
  say("system", "The chat cannot start.");
  tell(
    true,
    ["The chat failed: ", html("strong", {}, `lcw:error ${errorCode}`), ` – ${description}.`],
    `The stand-in adds: ${why}.`,
  );
};

/** @type {{ [Type in Report["type"]]: (report: Extract<Report, { type: Type }>) => void }} */
const REPORTS = {
  ready: () => {
    addNote("the widget is ready: lcw:ready");
    showReadiness();
    say("system", "The widget is ready.");
  },
  asking: () => {
    addNote("the widget asks its provider for a token");
    showState("asking");
    tell(false, "The widget asks the page for a token, and waits for ten seconds at most…");
  },
  answered: ({ answers, withToken }) => {
    addNote(
      `the provider’s callback was called ${withToken ? "with a token" : "without a token"}${answers > 1 ? `, for the ${answers}. time` : ""}`,
      answers > 1,
    );
  },
  read: ({ header, claims }) => {
    addNote("the widget checked the token: RS256 by a published key, claims in order");
    showJwt({ header, claims, isGood: true, verdict: "signature verified" });
  },
  refused: ({ header, claims, why }) => {
    addNote(`the widget refused the token: ${why}`, true);
    if (claims) showJwt({ header, claims, isGood: false, verdict: "refused" });
  },
  chatting: ({ contact, contexts }) => {
    addNote("the chat started, authenticated");
    showState("authenticated", true);
    showCustomer([["contact", contact], ...Object.entries(contexts)]);
    say("agent", "Hello! Your record is open in front of me, so there is nothing to ask.");
    tell(false, [
      "The chat started ",
      html("strong", {}, "authenticated"),
      ": the agent sees the contact and the contexts that the token carries.",
    ]);
  },
  failed: (report) => {
    addNote(`the widget raised lcw:error ${report.errorCode}: ${report.why}`, true);
    failed(report);
  },
  closed: () => {
    addNote("the chat was closed");
    showState("ready");
  },
};

const load = () => {
  clear();
  unload = loadOmnichannelStandIn({
    keysUrl: KEYS,
    issuer: site.jsonWebTokens.issuer,
    isReady: /** @type {import("./omnichannel_stand_in.js").Readiness} */ (choice("ready")),
    isAskedTwice: byId("twice", HTMLInputElement).checked,
    report: (report) => /** @type {(report: Report) => void} */ (REPORTS[report.type])(report),
  });
};

/* The chat. */

const clear = () => {
  clearChat();
  showJwt(null);
  showReadiness();
};

const endChat = () => {
  sdk()?.closeChat();
  clear();
};

/** The SDK's methods are there after `lcw:ready`, not before. */
const showReadiness = () => {
  showState(sdk() ? "ready" : "not ready");
  for (const id of ["start", "end"]) byId(id, HTMLButtonElement).disabled = !sdk();
};

/* The connection. */

const options = () => ({
  cache: /** @type {"memory" | "session" | "none"} */ (choice("cache")),
  source: choice("source"),
  margin: byId("margin", HTMLSelectElement).value,
  startChat: byId("at-once", HTMLInputElement).checked,
});

const showSnippet = () => {
  const { cache, source, margin, startChat } = options();
  const lines = [
    "identity: () => session.customer?.id ?? null,",
    `source: ${sourceAsCode(source, ENDPOINT)},`,
    ...(cache === "memory" ? [] : [`cache: "${cache}",`]),
    ...(margin === "" ? [] : [`margin: ${margin},`]),
    ...(startChat ? ["startChat: true,"] : []),
    ...(source === "service" ? [] : [`organizationId: "${source}",`]),
  ];
  byId("snippet").textContent =
    `const undo = connectOmnichannel({\n${lines.map((line) => `  ${line}`).join("\n")}\n});`;
};

const connect = () => {
  undo?.();
  const { cache, source, margin, startChat } = options();
  undo = library.connectOmnichannel({
    identity: currentCustomer,
    source: sourceOf(source, ENDPOINT),
    cache,
    startChat,
    ...organizationOf(source),
    ...(margin !== "" && { margin: Number(margin) }),
    onEvent,
  });
  byId("connection").textContent = "Disconnect";
  showSnippet();
};

const disconnect = () => {
  undo?.();
  undo = null;
  byId("connection").textContent = "Connect";
  tell(false, "The connection is undone: the widget has no provider any more.");
};

/** The widget and the page's connection to it begin anew, in the order that was chosen. */
const begin = () => {
  undo?.();
  undo = null;
  unload();
  if (choice("ready") === "at_once") {
    load();
    connect();
  } else {
    connect();
    load();
  }
};

await startWidgetPage({
  chat: {
    whose: "Omnichannel’s",
    buttons: { start: "Start chat", end: "Close chat", connection: "Disconnect", load: "Reload widget" },
    hint: "Sign in as somebody, then start a chat: the widget asks the page for a token by itself.",
  },
  options: { tampered: "the signature is not the service’s" },
  endChat,
  start: (loaded, said) => {
    library = loaded;
    site = said;
    begin();
    for (const id of ["connection", "load"]) byId(id, HTMLButtonElement).disabled = false;
    byId("start").addEventListener("click", () => void sdk().startChat());
    byId("end").addEventListener("click", () => {
      endChat();
      tell(false, "The chat is closed.");
    });
    byId("connection").addEventListener("click", () => (undo ? disconnect() : connect()));
    byId("load").addEventListener("click", begin);
    for (const id of ["ready", "twice", "at-once"]) byId(id).addEventListener("change", begin);
    for (const id of ["source", "cache", "margin"]) byId(id).addEventListener("change", connect);
  },
});
