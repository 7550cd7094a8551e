// What every page of the demo has in common: the site and the package, or a banner that says why there is none, and some of its controls.

import { showBanner } from "./banner.js";
import { customerSection, startCustomers } from "./customers.js";
import { byId } from "./element.js";
import { clearLog } from "./event_log.js";
import { fillHeader } from "./site_header.js";
import { messageOf } from "./thrown.js";
import * as timeline from "./timeline.js";

/** The value of the chosen radio button. @param {string} name */
export const choice = (name) =>
  /** @type {HTMLInputElement} */ (document.querySelector(`input[name="${name}"]:checked`)).value;

/** What the site says; undefined where it does not answer. @param {import("./customers.js").Follower} follower */
export const openSite = async (follower) => {
  fillHeader(customerSection());
  try {
    return await startCustomers(follower);
  } catch (error) {
    byId("customer-name").textContent = "The site does not answer";
    showBanner(`The site does not say who is signed in: ${messageOf(error)}. Reload the page when it runs again.`);
  }
};

/** The package; undefined where it was not built. */
export const openPackage = async () => {
  try {
    return await import("/pkg/index.js");
  } catch (error) {
    showBanner(`The package could not be loaded (${messageOf(error)}). Build it with cargo xtask build, then reload.`);
  }
};

/** Lets the button work that empties log and timeline. */
export const listenToClear = () =>
  byId("clear").addEventListener("click", () => {
    clearLog();
    timeline.clear();
  });
