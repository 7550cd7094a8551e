// Plays LiveChat's chat widget in the story's shop. It is not LiveChat. It keeps the JavaScript API that LiveChat documents for
// `window.LiveChatWidget`, deletes what it put on the page as the real script does, and calls the provider as LiveChat's client does. The
// conversation itself is kept by the stand-in's server, by the entity that the access token names.

import { html } from "./element.js";

/** The widget waits this long before it tries again what failed. */
const PAUSE = 1000;
/** At these the widget's person has gone: it has nothing to ask for any more. */
/** @type {Set<unknown>} */
const FINAL = new Set([
  "SIGNED_OUT",
  "IDENTITY_CHANGED",
  "NOT_SIGNED_IN",
  "SSO_IDENTITY_EXCEPTION",
  "SSO_OAUTH_EXCEPTION",
]);

/** What the customer wrote and is not sent yet. @typedef {{ id: string, text: string }} Unsent */

/** @typedef {Unsent & { author: "customer" | "agent" }} Message */

/** A message, and whether it is unsent. @typedef {[message: Message, isUnsent: boolean]} Line */

/** @typedef {{ state: keyof typeof STATES, entityId: string | null, messages: Message[], unsent: Unsent[] }} Chat */

/** @typedef {"maximized" | "minimized" | "hidden"} Visibility */

/** Hears of an event of the API. @typedef {(payload: object) => void} Listener */

const STATES = { connecting: "Connecting…", online: "Sam is here", waiting: "Waiting for LiveChat" };

/** A chat that ended must not go on with anything. */
const ended = () => Object.assign(new Error("the widget was destroyed"), { code: "SIGNED_OUT" });

/**
 * The conversation of one widget, from `init` to `destroy`. `changed` is told whenever there is something new to show.
 * @param {import("../pkg/index.js").IdentityProvider} provider
 * @param {(chat: Chat) => void} changed
 */
const converse = (provider, changed) => {
  const end = new AbortController();
  /** @type {Chat} */
  const chat = { state: "connecting", entityId: null, messages: [], unsent: [] };
  /** @type {(value?: undefined) => void} */
  let wake = () => {};

  /** @param {Partial<Chat>} change */
  const show = (change) => {
    if (end.signal.aborted) throw ended();
    Object.assign(chat, change);
    changed(chat);
  };

  /**
   * A request with the customer's token; one that is refused makes the provider ask for a fresh one, and the request is
   * made again.
   * @param {() => string} pathNow
   * @param {RequestInit} init
   */
  const ask = async (pathNow, init = {}) => {
    for (;;) {
      const { accessToken, entityId } = await provider.getToken();
      if (entityId !== chat.entityId) show({ entityId, messages: [] });
      const headers = {
        authorization: `Bearer ${accessToken}`,
        ...(init.body && { "content-type": "application/json" }),
      };
      const response = await fetch(pathNow(), {
        ...init,
        headers,
        cache: "no-store",
        credentials: "omit",
        signal: end.signal,
      });
      if (response.ok) return response;
      if (response.status !== 401) throw new Error(`the chat answered ${response.status}`);
      show({ state: "waiting" });
      await provider.getFreshToken();
    }
  };

  /**
   * Does something again and again until the chat ends; what fails is tried again after a pause.
   * @param {() => Promise<unknown>} work
   */
  const keep = async (work) => {
    while (!end.signal.aborted) {
      try {
        await work();
      } catch (error) {
        if (end.signal.aborted || FINAL.has(/** @type {{ code?: unknown } | undefined} */ (error)?.code)) return;
        if (chat.state !== "connecting") show({ state: "waiting" });
        await new Promise((resolve) => setTimeout(resolve, PAUSE));
      }
    }
  };

  const receive = async () => {
    const response = await ask(
      () => `/stand-in/livechat/conversation?seen=${chat.state === "online" ? chat.messages.length : ""}`,
    );
    /** @type {{ messages: Message[] }} */
    const { messages } = await response.json();
    const arrived = new Set(messages.map(({ id }) => id));
    show({ state: "online", messages, unsent: chat.unsent.filter(({ id }) => !arrived.has(id)) });
  };

  const send = async () => {
    const [next] = chat.unsent;
    if (!next) return new Promise((resolve) => (wake = resolve));
    await ask(() => "/stand-in/livechat/messages", { method: "POST", body: JSON.stringify(next) });
    // What was taken is shown in its place now, and comes back with the conversation.
    const isThere = chat.messages.some(({ id }) => id === next.id);
    show({
      messages: isThere ? chat.messages : [...chat.messages, { ...next, author: "customer" }],
      unsent: chat.unsent.filter(({ id }) => id !== next.id),
    });
  };

  changed(chat);
  void (async () => {
    // As LiveChat's client does when its connection starts.
    await provider.hasToken().catch(() => false);
    await Promise.all([keep(receive), keep(send)]);
  })();
  return {
    write: (/** @type {string} */ text) => {
      show({ unsent: [...chat.unsent, { id: crypto.randomUUID(), text }] });
      wake();
    },
    end: () => {
      end.abort(ended());
      wake();
    },
  };
};

/* The window. */

/** @param {Omit<Message, "id">} message @param {boolean} isUnsent */
const message = ({ author, text }, isUnsent) =>
  html(
    "p",
    { class: author, "data-author": author, "data-unsent": isUnsent },
    html("span", { class: "unseen" }, author === "agent" ? "Sam: " : "You: "),
    html("span", { class: "text" }, text),
    ...(isUnsent ? [html("small", {}, "waiting to be sent")] : []),
  );

/** @param {(text: string) => void} write @param {(wanted: Visibility) => void} setVisibility */
const makeWindow = (write, setVisibility) => {
  const state = html("p", { class: "chat-state", role: "status" });
  const log = html("div", { class: "chat-log", role: "log", "aria-label": "Conversation", tabindex: "0" });
  const input = html("input", {
    id: "chat-text",
    type: "text",
    autocomplete: "off",
    maxlength: "500",
    enterkeyhint: "send",
  });
  const form = html(
    "form",
    { class: "chat-form" },
    html("label", { class: "unseen", for: "chat-text" }, "Your message"),
    input,
    html("button", { type: "submit" }, "Send"),
  );
  const customer = html("p", { class: "chat-customer" });
  const close = html("button", { type: "button", class: "chat-close", "aria-label": "Close chat" }, "×");
  const panel = html(
    "section",
    { class: "chat-window", id: "chat-window", "aria-label": "Chat", hidden: true },
    html("div", { class: "chat-head" }, html("h2", {}, "Chat"), state, close),
    log,
    form,
    customer,
  );
  const bubble = html(
    "button",
    { type: "button", class: "chat-bubble", "aria-controls": "chat-window", "aria-expanded": "false" },
    "Chat",
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = input.value.trim();
    if (text === "") return;
    input.value = "";
    write(text);
  });
  bubble.addEventListener("click", () => {
    setVisibility("maximized");
    input.focus();
  });
  const shut = () => {
    setVisibility("minimized");
    bubble.focus();
  };
  close.addEventListener("click", shut);
  panel.addEventListener("keydown", ({ key }) => {
    if (key === "Escape") shut();
  });
  return {
    container: html("aside", { id: "chat-widget-container", "aria-label": "Chat widget" }, bubble, panel),
    setVisibility: (/** @type {Visibility} */ visibility) => {
      panel.hidden = visibility !== "maximized";
      bubble.hidden = visibility !== "minimized";
      bubble.setAttribute("aria-expanded", String(visibility === "maximized"));
      log.scrollTop = log.scrollHeight;
    },
    show: (/** @type {Chat} */ { state: now, entityId, messages, unsent }) => {
      if (state.textContent !== STATES[now]) state.textContent = STATES[now];
      state.dataset.state = now;
      // Only what is new is added: a screen reader reads a log's additions.
      const wanted = [
        ...messages.map((one) => /** @type {Line} */ ([one, false])),
        ...unsent.map((one) => /** @type {Line} */ ([{ ...one, author: "customer" }, true])),
      ];
      const key = (/** @type {Line} */ [{ id }, isUnsent]) => `${id} ${isUnsent}`;
      const shown = new Map(
        [.../** @type {Iterable<HTMLElement>} */ (log.children)].map((element) => [element.dataset.key, element]),
      );
      const elements = wanted.map((entry) => {
        const element = shown.get(key(entry)) ?? message(...entry);
        element.dataset.key = key(entry);
        return element;
      });
      for (const element of shown.values()) if (!elements.includes(element)) element.remove();
      elements.forEach((element, index) => {
        if (log.children[index] !== element) log.insertBefore(element, log.children[index] ?? null);
      });
      log.scrollTop = log.scrollHeight;
      customer.textContent = `Stand-in for LiveChat${entityId ? `; you are ${entityId.slice(0, 8)}` : ""}`;
      customer.dataset.entity = entityId ?? "";
    },
  };
};

/* The JavaScript API. */

/** How many widgets there were. */
let begun = 0;

/** Does what LiveChat's script does when it is loaded: there is a widget from now on, until the page destroys it. */
export const runWidget = () => {
  if (window.__lc_inited) return;
  window.__lc_inited = true;
  // Once for each widget: what is put there afterwards is not read.
  /** @type {import("../pkg/index.js").IdentityProvider} */
  const provider = window.__lc.custom_identity_provider();
  const api = window.LiveChatWidget;
  /** @type {{ event: string, hear: Listener, isOnce: boolean }[]} */
  const listeners = [];
  /** @type {Visibility} */
  let visibility = "minimized";
  let isReady = false;
  const state = () => ({ availability: "online", visibility });

  /** @param {string} event @param {object} payload */
  const emit = (event, payload) => {
    for (const listener of listeners.filter((one) => one.event === event)) {
      if (listener.isOnce) listeners.splice(listeners.indexOf(listener), 1);
      listener.hear(payload);
    }
  };

  /** @param {Visibility} wanted */
  const setVisibility = (wanted) => {
    if (visibility === wanted) return;
    visibility = wanted;
    panel.setVisibility(visibility);
    emit("visibility_changed", { visibility });
  };

  const panel = makeWindow((text) => conversation.write(text), setVisibility);
  const conversation = converse(provider, panel.show);

  /** @type {Record<string, (...given: unknown[]) => void>} */
  const calls = {
    maximize: () => setVisibility("maximized"),
    minimize: () => setVisibility("minimized"),
    hide: () => setVisibility("hidden"),
    destroy: () => {
      conversation.end();
      panel.container.remove();
      listeners.length = 0;
      // With everything that the script had put there.
      for (const name of /** @type {const} */ (["LiveChatWidget", "LC_API", "__lc_inited"])) delete window[name];
    },
  };
  /** @param {string} event @param {Listener} hear */
  const on = (event, hear, isOnce = false) => {
    if (event === "ready" && isReady) queueMicrotask(() => hear({ state: state() }));
    else listeners.push({ event, hear, isOnce });
  };
  /** What a page gives them may be anything. @type {Record<string, (...given: any[]) => unknown>} */
  const methods = {
    on,
    once: (event, hear) => on(event, hear, true),
    off: (event, hear) => {
      const index = listeners.findIndex((one) => one.event === event && one.hear === hear);
      if (index >= 0) listeners.splice(index, 1);
    },
    get: (name) => {
      /** @type {Record<string, object>} */
      const data = { state: state(), customer_data: { isReturning: false, status: "browsing" } };
      return data[name];
    },
    call: (name, ...given) => calls[name]?.(...given),
  };

  begun += 1;
  panel.container.dataset.widget = String(begun);
  document.body.append(panel.container);
  window.LC_API ??= {};
  for (const [name, given] of api._q.splice(0)) methods[name](...given);
  api._h = (/** @type {string} */ name, /** @type {unknown[]} */ given) => methods[name](...given);
  isReady = true;
  emit("ready", { state: state() });
};
