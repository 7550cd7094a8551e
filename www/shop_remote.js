// Lets the story's page work the shop in its frame: it presses what a person would press, and tells what a person would see.

import { byId } from "./element.js";
import { messageOf } from "./thrown.js";

/** What can be seen: who is signed in, and the chat. @typedef {ReturnType<typeof look>} Seen */

const look = () => {
  const chat = document.getElementById("chat-widget-container");
  const find = (/** @type {string} */ selector) =>
    /** @type {HTMLElement | null | undefined} */ (chat?.querySelector(selector));
  return {
    customer: document.body.dataset.customer,
    widget: Number(chat?.dataset.widget ?? 0),
    isOpen: find(".chat-window")?.hidden === false,
    isOnline: find(".chat-state")?.dataset.state === "online",
    entity: find(".chat-customer")?.dataset.entity || null,
    messages: [.../** @type {Iterable<HTMLElement>} */ (chat?.querySelectorAll("[data-author]") ?? [])].map(
      (element) => ({
        author: element.dataset.author,
        text: element.querySelector(".text")?.textContent ?? "",
        isUnsent: "unsent" in element.dataset,
      }),
    ),
  };
};

/** Presses a button as somebody would see it pressed. @param {string} selector */
const press = (selector) => {
  const element = document.querySelector(selector);
  if (!(element instanceof HTMLElement)) throw new Error(`the shop has no ${selector}`);
  element.classList.add("pressed");
  setTimeout(() => element.classList.remove("pressed"), 600);
  element.click();
};

const openChat = () => {
  /** @type {HTMLElement | null} */
  const bubble = document.querySelector(".chat-bubble");
  if (!bubble || bubble.hidden) return;
  // Not by a click, after which the person would be in the window: the focus belongs to who watches the story.
  window.LiveChatWidget.call("maximize");
};

/**
 * LiveChat calls the token back: it is good for nothing any more, though nobody here knows.
 * @param {string} accountsUrl
 */
const revoke = async (accountsUrl) => {
  /** @type {import("../pkg/index.js").IdentityProvider} */
  const { hasToken, getToken } = window.__lc.custom_identity_provider();
  if (!(await hasToken())) return;
  const token = await getToken();
  await fetch(new URL("/v2/customer/token", accountsUrl), {
    method: "DELETE",
    credentials: "omit",
    headers: { authorization: `Bearer ${token.accessToken}` },
  });
};

/** What comes with a command, of which each takes its own. @typedef {{ customer: string, text: string }} Given */

/** @typedef {keyof typeof COMMANDS | "revoke"} Command */

/** @satisfies {Record<string, (given: Given) => unknown>} */
const COMMANDS = {
  look: () => {},
  sign_in: ({ customer }) => press(`[data-person="${customer}"]`),
  sign_out: () => press('[data-person="nobody"]'),
  open_chat: openChat,
  close_chat: () => window.LiveChatWidget.call("minimize"),
  type: ({ text }) => (byId("chat-text", HTMLInputElement).value = text),
  send: () => press(".chat-form button"),
};

/**
 * Obeys the page around it, if that is one of this machine's, like this one.
 * @param {string} accountsUrl of LiveChat's accounts
 */
export const obeyStory = (accountsUrl) => {
  if (parent === window) return;
  const commands = { ...COMMANDS, revoke: () => revoke(accountsUrl) };
  /** The origin of the page around. @type {string | null} */
  let story = null;
  let isTold = false;
  const tell = () => {
    const target = story;
    if (target === null || isTold) return;
    isTold = true;
    // Once for any number of changes at a time.
    queueMicrotask(() => {
      isTold = false;
      parent.postMessage({ shop: "seen", seen: look() }, target);
    });
  };
  addEventListener("message", async ({ source, origin, data }) => {
    if (source !== parent || new URL(origin).hostname !== location.hostname || !Object.hasOwn(commands, data?.command))
      return;
    story = origin;
    /** @type {string | null} */
    let failure = null;
    try {
      await commands[/** @type {Command} */ (data.command)](data);
    } catch (error) {
      failure = messageOf(error);
    }
    parent.postMessage({ shop: "done", number: data.number, failure, seen: look() }, story);
  });
  new MutationObserver(tell).observe(document.body, {
    attributes: true,
    characterData: true,
    childList: true,
    subtree: true,
  });
  // Nothing is told before the page around has shown who it is.
  parent.postMessage({ shop: "ready" }, "*");
};
