// What the pages of Omnichannel and Live Assist have in common: who is signed in, the package and its events, the timeline, the log.

import { showBanner, showBlocked } from "./banner.js";
import { currentCustomer, followSession, listenToCustomers, startCustomers } from "./customers.js";
import { byId } from "./element.js";
import { addEntry, clearLog } from "./event_log.js";
import { showJwt, showLife } from "./jwt_panel.js";
import { watchNetwork } from "./network.js";
import { tell } from "./outcome.js";
import * as timeline from "./timeline.js";

/** The value of the chosen radio button. */
export const choice = (name) => document.querySelector(`input[name="${name}"]:checked`).value;

/** Takes note of an event of the package. */
export const onEvent = (event) => {
  timeline.addEvent(event);
  addEntry(event);
  if (event.type === "signed_out" && event.origin === "other_tab") void followSession();
  if (event.code === "WASM_BLOCKED") showBlocked({ code: event.code, message: "the page’s Content-Security-Policy forbids WebAssembly" });
};

/** Whose chat and token are shown; null while they are nobody's. */
let shownFor = null;

/** Nothing of one customer stays on the page for the next, however the session changed. */
const follow = (endChat) => {
  const now = currentCustomer();
  if (shownFor !== null && shownFor !== now) endChat();
  shownFor = now;
};

/**
 * Begins: `endChat` ends the chat and clears what is shown of it, `start` sets the page up with the package and what the site says.
 * `followed` hears of every change of who is signed in.
 */
export const startWidgetPage = async ({ endChat, start, followed = () => {} }) => {
  timeline.start({ hasAnswers: true });
  showJwt(null);
  let library, site;
  const looked = () => {
    follow(endChat);
    followed();
  };
  try {
    site = await startCustomers({
      forget: () => library.sign_out(),
      looked,
      entered: () => {},
      left: () => tell(false, "Signed out: every tab has forgotten the token, and the chat is closed."),
    });
  } catch (error) {
    byId("customer-name").textContent = "The site does not answer";
    return showBanner(`The site does not say who is signed in: ${error.message}. Reload the page when it runs again.`);
  }
  looked();
  try {
    library = await import("/pkg/index.js");
  } catch (error) {
    return showBanner(`The package could not be loaded (${error.message}). Build it with cargo xtask build, then reload.`);
  }
  byId("short-lifetime").textContent = String(site.jsonWebTokens.shortLifetime);
  watchNetwork(timeline.addSent);
  listenToCustomers();
  byId("clear").addEventListener("click", () => {
    clearLog();
    timeline.clear();
  });
  setInterval(showLife, 1000);
  start(library, site);
};
