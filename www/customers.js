// Who is signed in on this page: the buttons in its head, and what other tabs do to the session.

import { byId, html } from "./element.js";
import { tellError } from "./outcome.js";
import { onSessionOfOtherTab, readSession, signIn, signOut } from "./site.js";

/**
 * What a page does about who is signed in; see `startCustomers`.
 * @typedef {object} Follower
 * @property {() => unknown} looked
 * @property {() => unknown} entered
 * @property {() => unknown} forget
 * @property {() => void} left
 * @property {() => void} [shown]
 * @property {(before: string | null, now: string | null) => boolean} [mustReload] by their ids, null for nobody
 */

/** What the site says, but for who is signed in. @type {import("./site.js").Session} */
let site;
/** Who is signed in; null when nobody, and while that changes. @type {string | null} */
let customer = null;
/** Whether this tab is changing the session. */
let isChanging = false;
let readings = 0;
/** @type {Follower} */
let page;

/** Who is signed in, for the page's head. */
export const customerSection = () =>
  html(
    "section",
    { class: "customer", "aria-labelledby": "customer-heading" },
    html("h2", { id: "customer-heading", class: "unseen" }, "Customer"),
    html("p", { id: "customer-name", role: "status" }, "Asking the site who is signed in…"),
    html("button", { id: "sign-out", class: "quiet", type: "button", hidden: true }, "Sign out"),
    html("div", { id: "customers", class: "choice", role: "group", "aria-label": "Sign in as" }),
  );

/** The id of who is signed in; null when nobody. */
export const currentCustomer = () => customer;

/** Everybody who can sign in. */
export const allCustomers = () => site.customers;

const show = () => {
  const known = site.customers.find(({ id }) => id === customer);
  byId("customer-name").textContent = isChanging
    ? "One moment…"
    : known
      ? `Signed in as ${known.name}`
      : "Nobody is signed in; sign in as:";
  byId("customers").replaceChildren(
    ...site.customers.map(({ id, name }) => {
      const button = html(
        "button",
        { type: "button", "aria-pressed": String(id === customer), disabled: isChanging },
        name,
      );
      button.addEventListener("click", () => void becomeCustomer(id));
      return button;
    }),
  );
  byId("sign-out").hidden = customer === null && !isChanging;
  byId("sign-out", HTMLButtonElement).disabled = isChanging;
  page.shown?.();
};

/**
 * The session changes: until it is known how, nobody is signed in, so that no late answer finds its way to anybody.
 * @param {() => Promise<void>} change
 */
const changeSession = async (change) => {
  if (isChanging) return;
  const focused = document.activeElement?.textContent;
  isChanging = true;
  customer = null;
  show();
  try {
    await change();
  } catch (error) {
    tellError("The session", error);
  }
  isChanging = false;
  await followSession();
  // The buttons were made anew: whoever pressed one by keyboard stays there.
  const buttons = [...byId("customers").querySelectorAll("button")];
  const again = buttons.find((button) => button.textContent === focused) ?? buttons[0];
  if (document.activeElement === document.body) again?.focus();
};

/** Signs in as one of the site's customers. @param {string} id */
export const becomeCustomer = async (id) => {
  if (id === customer) return;
  await changeSession(async () => {
    await page.looked();
    await signIn(id);
  });
  if (customer !== null) await page.entered();
};

const leave = () =>
  changeSession(async () => {
    try {
      await page.forget();
    } finally {
      await signOut();
    }
    page.left();
  });

/** Takes over who the site says is signed in. */
export const followSession = async () => {
  const mine = ++readings;
  let session;
  try {
    session = await readSession();
  } catch (error) {
    return tellError("The site", error);
  }
  if (mine !== readings || isChanging) return;
  const now = session.customer?.id ?? null;
  if (page.mustReload?.(site.customer?.id ?? null, now)) return location.reload();
  customer = now;
  show();
  await page.looked();
};

/**
 * Asks the site who is signed in, and shows it; rejects when the site does not say. What the page does about it is given:
 * `looked` whenever somebody else may be signed in, `entered` after a person signed in here, `forget` before one signs out here and
 * `left` after it, `shown` with every drawing; `mustReload` says whether another person needs another page.
 * @param {Follower} follower
 */
export const startCustomers = async (follower) => {
  page = follower;
  site = await readSession();
  customer = site.customer?.id ?? null;
  show();
  return site;
};

/** Lets the buttons work, and follows what happens elsewhere. */
export const listenToCustomers = () => {
  byId("sign-out").addEventListener("click", () => void leave());
  onSessionOfOtherTab((what) => {
    if (what === "changing") {
      customer = null;
      readings += 1;
      void page.looked();
    } else void followSession();
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) void followSession();
  });
};
