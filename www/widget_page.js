// What the pages of Omnichannel and Live Assist have in common: who is signed in, the package and its events, the timeline, the log.

import { showBlocked } from "./banner.js";
import { fillChat } from "./chat_window.js";
import { currentCustomer, followSession, listenToCustomers } from "./customers.js";
import { byId } from "./element.js";
import { addEntry, fillLog } from "./event_log.js";
import { fillOptions } from "./jwt_options.js";
import { fillJwtPanel, showJwt, showLife } from "./jwt_panel.js";
import { watchNetwork } from "./network.js";
import { tell } from "./outcome.js";
import { listenToClear, openPackage, openSite } from "./page.js";
import * as timeline from "./timeline.js";

/** @typedef {typeof import("../pkg/index.js")} Package */

/** Takes note of an event of the package. @param {import("../pkg/index.js").IdentityEvent} event */
export const onEvent = (event) => {
  timeline.addEvent(event);
  addEntry(event);
  if (event.type === "signed_out" && event.origin === "other_tab") void followSession();
  if ("code" in event && (event.code === "WASM_BLOCKED" || event.code === "WASM_MISSING"))
    showBlocked({ code: event.code, message: "the core of the package could not be loaded" });
};

/** Whose chat and token are shown; null while they are nobody's. @type {string | null} */
let shownFor = null;

/** Nothing of one customer stays on the page for the next, however the session changed. @param {() => void} endChat */
const follow = (endChat) => {
  const now = currentCustomer();
  if (shownFor !== null && shownFor !== now) endChat();
  shownFor = now;
};

/**
 * Begins, with what is a page's own.
 * @param {object} own
 * @param {import("./chat_window.js").Chat} own.chat
 * @param {import("./jwt_options.js").Options} own.options
 * @param {string} [own.jwtNote] what else there is to say of its tokens
 * @param {() => void} own.endChat ends the chat and clears what is shown of it
 * @param {(library: Package, site: import("./site.js").Session) => void} own.start sets the page up
 * @param {() => void} [own.followed] hears of every change of who is signed in
 */
export const startWidgetPage = async ({ chat, options, jwtNote = "", endChat, start, followed = () => {} }) => {
  fillChat(chat);
  fillJwtPanel(jwtNote);
  fillLog("Everything that happens is listed here, newest first; what the stand-in does is in italics.");
  fillOptions(options);
  timeline.start({ hasAnswers: true });
  showJwt(null);
  /** @type {Package} */
  let library;
  const looked = () => {
    follow(endChat);
    followed();
  };
  const site = await openSite({
    forget: () => library.sign_out(),
    looked,
    entered: () => {},
    left: () => tell(false, "Signed out: every tab has forgotten the token, and the chat is closed."),
  });
  if (!site) return;
  looked();
  const loaded = await openPackage();
  if (!loaded) return;
  library = loaded;
  byId("short-lifetime").textContent = String(site.jsonWebTokens.shortLifetime);
  watchNetwork(timeline.addSent);
  listenToCustomers();
  listenToClear();
  setInterval(showLife, 1000);
  start(library, site);
};
