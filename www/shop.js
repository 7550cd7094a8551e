// The small shop of the story: signing in and out, and a chat that knows who is there.

import { runWidget } from "./chat_widget_stand_in.js";
import { byId, html } from "./element.js";
import { placeSnippet } from "./real_widget.js";
import { obeyStory } from "./shop_remote.js";
import { onSessionOfOtherTab, readSession, signIn, signOut } from "./site.js";
import { messageOf } from "./thrown.js";

/** @type {typeof import("../pkg/index.js")} */
let library;
/** What the site says, but for who is signed in. @type {import("./site.js").Session} */
let site;
/** Who is signed in, as far as is known; null when nobody. @type {string | null} */
let customer = null;
let isChanging = false;
let readings = 0;

/** @param {import("./site.js").Customer} customer */
const firstName = ({ name }) => name.split(" ")[0];

/** @param {string} text */
const tell = (text) => {
  byId("trouble").textContent = text;
  byId("trouble").hidden = text === "";
};

/** @param {string} text @param {import("./element.js").Attributes} attributes @param {() => unknown} press */
const button = (text, attributes, press) => {
  const element = html("button", { type: "button", disabled: isChanging, ...attributes }, text);
  element.addEventListener("click", () => void press());
  return element;
};

const show = () => {
  const known = site.customers.find(({ id }) => id === customer);
  byId("greeting").textContent = isChanging ? "One moment…" : known ? `Hello, ${firstName(known)}` : "Sign in as";
  byId("people").replaceChildren(
    ...(known || isChanging
      ? [button("Sign out", { "data-person": "nobody" }, leave)]
      : site.customers.map((one) =>
          button(firstName(one), { "data-person": one.id, "aria-label": `Sign in as ${one.name}` }, () =>
            enter(one.id),
          ),
        )),
  );
  document.body.dataset.customer = isChanging ? "changing" : (customer ?? "nobody");
};

/** Takes over who the site says is signed in: the package notices by itself, and sees to the chat. */
const follow = async () => {
  const mine = ++readings;
  const session = await readSession();
  if (mine !== readings || isChanging) return;
  site = session;
  customer = session.customer?.id ?? null;
  show();
};

/**
 * Who was there stays so until the session has changed: a guest would not be served under it, and of a sign-out the
 * package was told before.
 * @param {() => Promise<void>} change
 */
const changeSession = async (change) => {
  if (isChanging) return;
  const hadFocus = byId("people").contains(document.activeElement);
  isChanging = true;
  show();
  tell("");
  try {
    await change();
  } catch (error) {
    tell(`That did not work: ${messageOf(error)}.`);
  }
  isChanging = false;
  await follow().catch((error) => tell(`The shop does not answer: ${messageOf(error)}.`));
  if (hadFocus) byId("people").querySelector("button")?.focus();
};

/** @param {string} id */
const enter = (id) => changeSession(() => signIn(id));

const leave = () =>
  changeSession(async () => {
    try {
      await library.sign_out();
    } finally {
      await signOut();
    }
  });

const begin = async () => {
  try {
    [library, site] = await Promise.all([import("/pkg/index.js"), readSession()]);
  } catch (error) {
    byId("greeting").textContent = "Closed";
    return tell(`The shop cannot open: ${messageOf(error)}.`);
  }
  customer = site.customer?.id ?? null;
  show();
  const { licenseId, organizationId, accountsUrl } = site.livechat;
  window.__lc = { license: licenseId, organizationId };
  library.connectLiveChat({ identity: () => customer, source: "/livechat/token", guests: "/livechat/guest" });
  placeSnippet(runWidget);
  window.LiveChatWidget.init();
  onSessionOfOtherTab((what) => {
    if (isChanging) return;
    if (what === "changed") return void follow();
    // Until it is known how, nobody is signed in.
    customer = null;
    readings += 1;
    show();
  });
  obeyStory(accountsUrl);
};

await begin();
