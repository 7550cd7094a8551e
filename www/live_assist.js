// The page for Live Assist: the method that it calls by name, a stand-in of its web SDK, and what passes between them.

import { clearChat, say, showCustomer, showState } from "./chat_window.js";
import { currentCustomer } from "./customers.js";
import { byId, html } from "./element.js";
import { addNote } from "./event_log.js";
import { showJwt } from "./jwt_panel.js";
import { organizationOf, sourceAsCode, sourceOf } from "./jwt_sources.js";
import { createLiveAssistStandIn } from "./live_assist_stand_in.js";
import { tell } from "./outcome.js";
import { askToSignIn, listenToDialog, noticeCustomer } from "./sign_in_dialog.js";
import { choice } from "./page.js";
import { onEvent, startWidgetPage } from "./widget_page.js";

const TOKENS = "/live-assist/token";
const CODES = "/live-assist/code";
const KEY = "/live-assist/public-key";

/** @typedef {import("./live_assist_stand_in.js").Report} Report */

/** What Live Assist finds by name. */
const globals = /** @type {Record<string, unknown>} */ (/** @type {unknown} */ (window));

/** @type {typeof import("../pkg/index.js")} */
let library;
/** @type {import("./site.js").Session} */
let site;
/** @type {ReturnType<typeof createLiveAssistStandIn> | undefined} */
let standIn;
/** The name under which the page's method is reachable. @type {string | undefined} */
let assigned;

const isCodeFlow = () => choice("flow") !== "implicit";

/* What the stand-in does. */

/** @param {import("./token_check.js").Fields} claims */
const contactOf = ({ sub, given_name, family_name, lp_sdes }) => {
  /** @type {import("./chat_window.js").CustomerRows} */
  const rows = [["contact", sub]];
  if (given_name || family_name) rows.push(["name", [given_name, family_name].filter(Boolean).join(" ")]);
  if (lp_sdes) rows.push(["attributes", JSON.stringify(lp_sdes)]);
  return rows;
};

/** @type {{ [Type in Report["type"]]: (report: Extract<Report, { type: Type }>) => void }} */
const REPORTS = {
  asking: ({ withChallenge }) => {
    addNote(
      `Live Assist calls ${byId("method", HTMLInputElement).value}${withChallenge ? " with a code challenge" : ""}`,
    );
    showState("asking");
    tell(false, [
      "Live Assist called ",
      html("strong", {}, byId("method", HTMLInputElement).value),
      ", and waits for what it calls back with…",
    ]);
  },
  answered: ({ answers, withToken }) => {
    const what = withToken ? (isCodeFlow() ? "with a code" : "with a token") : "with a failure";
    addNote(`the callback was called ${what}${answers > 1 ? `, for the ${answers}. time` : ""}`, answers > 1);
  },
  read: ({ header, claims }) => {
    addNote(
      isCodeFlow()
        ? "Live Assist’s service redeemed the code and checked the token"
        : "Live Assist checked the token by the configured key",
    );
    showJwt({ header, claims, isGood: true, verdict: "signature verified" });
    byId("replay", HTMLButtonElement).disabled = !isCodeFlow();
  },
  refused: ({ header, claims, why }) => {
    addNote(`Live Assist refused the token: ${why}`, true);
    showJwt({ header, claims, isGood: false, verdict: "refused" });
  },
  chatting: ({ claims }) => {
    addNote("the conversation started, authenticated");
    showState("authenticated", true);
    showCustomer(contactOf(claims));
    say("agent", `Hello ${claims.given_name ?? "again"}! Your record is open in front of me.`);
    tell(false, [
      "The conversation started ",
      html("strong", {}, "authenticated"),
      ": Live Assist read the contact from the token.",
    ]);
  },
  expired: () => {
    addNote("the JWT expired: Live Assist asks the page for a refreshed one");
    say("system", "The JWT expired; the page is asked for a refreshed one.");
  },
  refreshed: () => {
    addNote("the conversation goes on with a refreshed JWT");
    showState("authenticated", true);
    say("system", "The page gave a refreshed JWT; the conversation goes on.");
    tell(false, ["The JWT expired, and the conversation went on with a ", html("strong", {}, "refreshed"), " one."]);
  },
  stopped: ({ why }) => {
    addNote(`the conversation was stopped: ${why}`, true);
    showState("stopped", false);
    showCustomer(null);
    showJwt(null);
    say("system", "There is no refreshed JWT, so the conversation has ended.");
    tell(
      true,
      ["The conversation was ", html("strong", {}, "stopped"), ": there is no refreshed JWT."],
      `The page said: ${why}`,
    );
  },
  survey: ({ why }) => {
    addNote(`no agent: the offline survey is shown (${why})`, true);
    showState("offline survey", false);
    say("system", "Nobody is here for you right now. Please leave your question in our survey.");
    tell(
      true,
      ["No conversation: Live Assist shows its ", html("strong", {}, "offline survey"), "."],
      `The reason: ${why}`,
    );
  },
  ended: () => {
    addNote("the conversation was ended");
    showState("no chat");
  },
  redeemed_again: ({ why }) => {
    addNote(why ? `the code was presented again, and refused: ${why}` : "the code was redeemed twice", true);
    if (why) tell(false, ["The second redemption was ", html("strong", {}, "refused"), "."], why);
    else tell(true, "The code was redeemed twice: it must be good for one redemption.");
  },
};

/* The conversation. */

const clear = () => {
  clearChat();
  showJwt(null);
  showState("no chat");
  byId("replay", HTMLButtonElement).disabled = true;
};

const endConversation = () => {
  standIn?.endConversation();
  clear();
};

/* The page's method, and the engagement. */

const options = () => ({
  flow: /** @type {import("./live_assist_stand_in.js").Flow} */ (choice("flow")),
  cache: /** @type {"memory" | "session" | "none"} */ (choice("cache")),
  source: choice("source"),
  margin: byId("margin", HTMLSelectElement).value,
  failureForm: /** @type {import("../pkg/index.js").FailureForm} */ (byId("failure-form", HTMLSelectElement).value),
  method: byId("method", HTMLInputElement).value.trim(),
});

const showSnippet = () => {
  const { cache, source, margin, failureForm, method } = options();
  const isCode = isCodeFlow();
  const lines = [
    ...(isCode ? [`flow: "code",`] : []),
    "identity: () => session.customer?.id ?? null,",
    `source: ${sourceAsCode(source, isCode ? CODES : TOKENS)},`,
    "signIn: ({ signal }) => askToSignIn(signal),",
    ...(isCode || cache === "memory" ? [] : [`cache: "${cache}",`]),
    ...(isCode || margin === "" ? [] : [`margin: ${margin},`]),
    ...(failureForm === "null" ? [] : [`failureForm: "${failureForm}",`]),
    ...(isCode || source === "service" ? [] : [`organizationId: "${source}",`]),
  ];
  byId("snippet").textContent =
    `window.${method} = authoriseChatWithCallback({\n${lines.map((line) => `  ${line}`).join("\n")}\n});`;
  for (const input of byId("cache").querySelectorAll("input")) input.disabled = isCode;
  byId("margin", HTMLSelectElement).disabled = isCode;
  byId("cache-note").hidden = !isCode;
};

/** Assigns the method anew; the conversation that runs goes on with it. */
const assign = () => {
  const { cache, source, margin, failureForm, method } = options();
  if (assigned !== undefined) delete globals[assigned];
  const isCode = isCodeFlow();
  const shared = {
    identity: currentCustomer,
    source: sourceOf(source, isCode ? CODES : TOKENS, isCode),
    signIn: askToSignIn,
    failureForm,
    onEvent,
  };
  const own = isCode
    ? { flow: /** @type {const} */ ("code") }
    : { cache, ...organizationOf(source), ...(margin !== "" && { margin: Number(margin) }) };
  globals[method] = library.authoriseChatWithCallback({ ...shared, ...own });
  assigned = method;
  showSnippet();
};

/** A new configuration of Live Assist is a new engagement: a conversation of the former one is over. */
const engage = () => {
  const { flow, source, method } = options();
  const isName = /^[A-Za-z_$][\w$]*$/.test(method) && (method === assigned || !(method in window));
  byId("method", HTMLInputElement).setCustomValidity(
    isName ? "" : "Expected a name that a function of the page can have.",
  );
  if (!byId("method", HTMLInputElement).reportValidity()) return;
  endConversation();
  assign();
  standIn = createLiveAssistStandIn({
    methodName: method,
    flow,
    isShortLived: source === "short",
    keyUrl: KEY,
    issuer: site.jsonWebTokens.issuer,
    report: (report) => /** @type {(report: Report) => void} */ (REPORTS[report.type])(report),
  });
};

/** In the implicit flow only the page's source changes, in the code flow the service's too. */
const useSource = () => (isCodeFlow() ? engage() : assign());

await startWidgetPage({
  chat: {
    whose: "Live Assist’s",
    buttons: { start: "Start chat", end: "End chat", replay: "Redeem code again" },
    hint: "Start a chat: Live Assist calls the page’s method, and whoever is not signed in is asked to.",
  },
  options: { tampered: "not what the service issued", cacheNote: "codes are never cached" },
  jwtNote: " In the code flow the browser never has the token at all.",
  endChat: endConversation,
  followed: noticeCustomer,
  start: (loaded, said) => {
    library = loaded;
    site = said;
    listenToDialog();
    engage();
    for (const id of ["start", "end"]) byId(id, HTMLButtonElement).disabled = false;
    byId("start").addEventListener("click", () => void standIn?.startConversation());
    byId("replay").addEventListener("click", () => void standIn?.redeemAgain());
    byId("end").addEventListener("click", () => {
      endConversation();
      tell(false, "The conversation has ended.");
    });
    byId("source").addEventListener("change", useSource);
    for (const id of ["flow", "method"]) byId(id).addEventListener("change", engage);
    for (const id of ["cache", "margin", "failure-form"]) byId(id).addEventListener("change", assign);
  },
});
