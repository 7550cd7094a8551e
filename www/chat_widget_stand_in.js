// Plays LiveChat's chat widget in the story's shop. It is not LiveChat; it keeps the JavaScript API that LiveChat documents for `window.LiveChatWidget`,
// and calls the provider as LiveChat's client does. The conversation itself is kept by the stand-in's server, by the entity that the access token names.

import { html } from "./element.js";

/** The widget waits this long before it tries again what failed. */
const PAUSE = 1000;
/** At these the widget's person has gone: it has nothing to ask for any more. */
const FINAL = new Set(["SIGNED_OUT", "IDENTITY_CHANGED", "NOT_SIGNED_IN", "SSO_IDENTITY_EXCEPTION", "SSO_OAUTH_EXCEPTION"]);

const STATES = { connecting: "Connecting…", online: "Sam is here", waiting: "Waiting for LiveChat" };

/** A chat that ended must not go on with anything. */
const ended = () => Object.assign(new Error("the widget was destroyed"), { code: "SIGNED_OUT" });

/**
 * LiveChat's own customer for a page without a provider: known by nothing but this widget. The real one is known again by a cookie of LiveChat's;
 * here the devices are one browser, which would send it from all of them.
 */
const anonymousProvider = ({ standIn, organizationId }) => {
  let token = null;
  const getFreshToken = async () => {
    const response = await fetch(new URL("/v2/customer/token", standIn.accountsUrl), {
      method: "POST",
      credentials: "omit",
      body: JSON.stringify({ grant_type: "cookie", client_id: standIn.clientId, response_type: "token", organization_id: organizationId }),
    });
    if (!response.ok) throw new Error(`the accounts answered ${response.status}`);
    const { access_token: accessToken, entity_id: entityId } = await response.json();
    token = { accessToken, entityId };
    return token;
  };
  return { getToken: async () => token ?? getFreshToken(), getFreshToken, hasToken: async () => token !== null, invalidate: async () => void (token = null) };
};

/** The conversation of one widget, from `init` to `destroy`. `changed` is told whenever there is something new to show. */
const converse = (provider, changed) => {
  const end = new AbortController();
  const chat = { state: "connecting", entityId: null, messages: [], unsent: [] };
  let wake = () => {};

  const show = (change) => {
    if (end.signal.aborted) throw ended();
    Object.assign(chat, change);
    changed(chat);
  };

  /** A request with the customer's token; one that is refused makes the provider ask for a fresh one, and the request is made again. */
  const ask = async (pathNow, init = {}) => {
    for (;;) {
      const { accessToken, entityId } = await provider.getToken();
      if (entityId !== chat.entityId) show({ entityId, messages: [] });
      const headers = { authorization: `Bearer ${accessToken}`, ...(init.body && { "content-type": "application/json" }) };
      const response = await fetch(pathNow(), { ...init, headers, cache: "no-store", credentials: "omit", signal: end.signal });
      if (response.ok) return response;
      if (response.status !== 401) throw new Error(`the chat answered ${response.status}`);
      show({ state: "waiting" });
      await provider.getFreshToken();
    }
  };

  /** Does something again and again until the chat ends; what fails is tried again after a pause. */
  const keep = async (work) => {
    while (!end.signal.aborted) {
      try {
        await work();
      } catch (error) {
        if (end.signal.aborted || FINAL.has(error?.code)) return;
        if (chat.state !== "connecting") show({ state: "waiting" });
        await new Promise((resolve) => setTimeout(resolve, PAUSE));
      }
    }
  };

  const receive = async () => {
    const response = await ask(() => `/stand-in/livechat/conversation?seen=${chat.state === "online" ? chat.messages.length : ""}`);
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
    show({ messages: isThere ? chat.messages : [...chat.messages, { ...next, author: "customer" }], unsent: chat.unsent.filter(({ id }) => id !== next.id) });
  };

  void (async () => {
    // As LiveChat's client does when its connection starts.
    await provider.hasToken().catch(() => false);
    await Promise.all([keep(receive), keep(send)]);
  })();
  return {
    write: (text) => {
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

const message = ({ author, text }, isUnsent) =>
  html(
    "p",
    { class: author, "data-author": author, "data-unsent": isUnsent },
    html("span", { class: "unseen" }, author === "agent" ? "Sam: " : "You: "),
    html("span", { class: "text" }, text),
    ...(isUnsent ? [html("small", {}, "waiting to be sent")] : []),
  );

const makeWindow = (write, setVisibility) => {
  const state = html("p", { class: "chat-state", role: "status" });
  const log = html("div", { class: "chat-log", role: "log", "aria-label": "Conversation", tabindex: "0" });
  const input = html("input", { id: "chat-text", type: "text", autocomplete: "off", maxlength: "500", enterkeyhint: "send" });
  const form = html("form", { class: "chat-form" }, html("label", { class: "unseen", for: "chat-text" }, "Your message"), input, html("button", { type: "submit" }, "Send"));
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
  const bubble = html("button", { type: "button", class: "chat-bubble", "aria-controls": "chat-window", "aria-expanded": "false" }, "Chat");
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
    setVisibility: (visibility) => {
      panel.hidden = visibility !== "maximized";
      bubble.hidden = visibility !== "minimized";
      bubble.setAttribute("aria-expanded", String(visibility === "maximized"));
      log.scrollTop = log.scrollHeight;
    },
    show: ({ state: now, entityId, messages, unsent }, isGuest) => {
      if (state.textContent !== STATES[now]) state.textContent = STATES[now];
      state.classList.toggle("waiting", now === "waiting");
      // Only what is new is added: a screen reader reads a log's additions.
      const wanted = [...messages.map((one) => [one, false]), ...unsent.map((one) => [{ ...one, author: "customer" }, true])];
      const key = ([{ id }, isUnsent]) => `${id} ${isUnsent}`;
      const shown = new Map([...log.children].map((element) => [element.dataset.key, element]));
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
      customer.textContent = `Stand-in for LiveChat${entityId ? `, ${isGuest ? "guest" : "customer"} ${entityId.slice(0, 8)}` : ""}`;
      customer.dataset.entity = entityId ?? "";
    },
  };
};

/* The JavaScript API. */

/** Everything between `init` and `destroy`; null outside. */
let running = null;
const listeners = new Map();

const emit = (event, data) => {
  for (const listener of [...(listeners.get(event) ?? [])]) listener(data);
};

const off = (event, listener) => {
  for (const known of listeners.get(event) ?? []) {
    if (known === listener || known.original === listener) listeners.get(event).delete(known);
  }
};

const on = (event, listener) => {
  if (!listeners.has(event)) listeners.set(event, new Set());
  listeners.get(event).add(listener);
};

const once = (event, listener) => {
  const only = (data) => {
    off(event, only);
    listener(data);
  };
  only.original = listener;
  on(event, only);
};

const setVisibility = (visibility) => {
  if (!running || running.visibility === visibility) return;
  running.visibility = visibility;
  running.window.setVisibility(visibility);
  emit("visibility_changed", { visibility });
};

const destroy = () => {
  running?.conversation.end();
  running?.window.container.remove();
  running = null;
};

const CALLS = { maximize: () => setVisibility("maximized"), minimize: () => setVisibility("minimized"), hide: () => setVisibility("hidden"), destroy };

const data = (name) => {
  if (name === "state") return { availability: "online", visibility: running?.visibility ?? "hidden" };
  if (name === "customer_data") return { isReturning: false, status: "browsing" };
  throw new Error(`[LiveChatWidget] there is no "${name}"`);
};

const init = () => {
  if (running) return;
  const configuration = window.__lc ?? {};
  const isGuest = typeof configuration.custom_identity_provider !== "function";
  // Once for each `init`: what is put there afterwards is not read.
  const provider = isGuest ? anonymousProvider(configuration) : configuration.custom_identity_provider();
  const mine = { visibility: "minimized" };
  mine.window = makeWindow((text) => mine.conversation.write(text), setVisibility);
  mine.conversation = converse(provider, (chat) => mine.window.show(chat, isGuest));
  running = mine;
  document.body.append(mine.window.container);
  queueMicrotask(() => {
    if (running === mine) emit("ready", { state: data("state"), customerData: data("customer_data") });
  });
};

const METHODS = { on, once, off, get: data, call: (name, ...given) => CALLS[name]?.(...given) };
const handle = ([name, given]) => METHODS[name](...given);

/** What a page's snippet queued before this was loaded is done now. */
export const installWidget = () => {
  const widget = (window.LiveChatWidget ??= { _q: [], _v: "2.0" });
  const queued = widget._q ?? [];
  Object.assign(widget, METHODS, { init, _h: (...entry) => handle(entry), _q: [] });
  for (const entry of queued) handle(entry);
};
