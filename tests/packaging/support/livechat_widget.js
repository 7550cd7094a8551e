// A stand-in for LiveChat's widget: the script that the snippet loads from LiveChat's host, and the frame with the conversation.
// It keeps the documented JavaScript API, and what the real script can be seen to do: it runs once until it is destroyed, reads `window.__lc` when
// it runs, calls the provider's factory once its settings have come, takes calls from the snippet's queue, and deletes its globals with the widget.

/** The snippet of LiveChat's documents, in parts: what stands on the page before its script comes. */
export const snippet = `
  window.LiveChatWidget = window.LiveChatWidget || (() => {
    const api = { _q: [], _h: null, _v: "2.0" };
    const handle = (call) => (api._h ? api._h.apply(null, call) : api._q.push(call));
    for (const name of ["on", "once", "off", "call"]) api[name] = (...given) => void handle([name, given]);
    api.get = (...given) => {
      if (!api._h) throw new Error("[LiveChatWidget] You can't use getters before load.");
      return handle(["get", given]);
    };
    api.init = () => {
      const script = document.createElement("script");
      script.async = true;
      script.src = "https://cdn.livechatinc.com/tracking.js";
      document.head.append(script);
    };
    return api;
  })();
  if (!window.__lc.asyncInit) window.LiveChatWidget.init();
`;

/** Runs in the page as LiveChat's script. */
const tracking = async () => {
  const page = /** @type {any} */ (window);
  // What a test looks at: who was served by each widget, and how many are there.
  const seen = (page.livechat ??= { begun: [], destroyed: 0, alive: 0, scripts: 0 });
  seen.scripts += 1;
  if (page.__lc_inited) return;
  page.__lc_inited = true;
  const { custom_identity_provider: factory, license, organizationId } = page.__lc;
  const api = page.LiveChatWidget;
  page.LC_API ??= {};
  if (!license && !organizationId) throw new Error("no licence");
  await fetch("https://cdn.livechatinc.com/settings");
  const provider = typeof factory === "function" ? factory() : undefined;
  const container = document.createElement("div");
  container.id = "chat-widget-container";
  const frame = document.createElement("iframe");
  container.append(frame);
  document.body.append(container);
  seen.alive += 1;
  const listeners = [];
  let isAlive = true;
  let isReady = false;
  const emit = (event, payload) => {
    for (const listener of [...listeners]) {
      if (listener.event !== event) continue;
      if (listener.isOnce) listeners.splice(listeners.indexOf(listener), 1);
      listener.hear(payload);
    }
  };
  const state = { availability: "online", visibility: "minimized" };
  const methods = {
    on: (event, hear, isOnce = false) => {
      if (event === "ready" && isReady && isAlive) queueMicrotask(() => hear({ state }));
      else listeners.push({ event, hear, isOnce });
    },
    once: (event, hear) => methods.on(event, hear, true),
    off: (event, hear) =>
      listeners.splice(
        0,
        listeners.length,
        ...listeners.filter((other) => other.event !== event || other.hear !== hear),
      ),
    get: (name) => (name === "state" ? state : {}),
    call: (name) => {
      if (name !== "destroy" || !isAlive) return;
      isAlive = false;
      seen.alive -= 1;
      seen.destroyed += 1;
      container.remove();
      delete page.__lc_inited;
      delete page.LC_API;
      delete page.LiveChatWidget;
    },
  };
  const handle = (name, given) => methods[name](...given);
  for (const [name, given] of api._q.splice(0)) handle(name, given);
  api._h = handle;
  const show = (text) => {
    seen.begun.push(text);
    if (isAlive) frame.contentDocument.body.textContent = `The conversation of ${text}.`;
  };
  if (provider) {
    // The real bridge hears results only, which have to survive a structured clone.
    const token = await new Promise((resolve) => {
      provider
        .hasToken()
        .then(() => provider.getToken())
        .then(
          (token) => resolve(structuredClone(token)),
          () => {},
        );
    });
    show(token.entityId);
  } else {
    show("LiveChat's own anonymous customer");
  }
  if (!isAlive) return;
  isReady = true;
  emit("ready", { state });
  page.LC_API?.on_after_load?.();
};

/**
 * Answers in LiveChat's place what a page asks of its host.
 * @param {import("playwright-core").BrowserContext} context
 */
export async function livechatWidget(context) {
  /** What the script's settings wait for. */
  let held = Promise.resolve();
  let release = () => {};
  await context.route(/^https:\/\/cdn\.livechatinc\.com\//, async (route) => {
    const isScript = new URL(route.request().url()).pathname === "/tracking.js";
    if (!isScript) await held;
    const headers = { "access-control-allow-origin": "*" };
    await route.fulfill(
      isScript ? { contentType: "text/javascript", body: `(${tracking})();`, headers } : { json: {}, headers },
    );
  });
  return {
    /** From now on a widget's settings do not come, until this is released. */
    hold: () => {
      held = new Promise((resolve) => (release = () => resolve(undefined)));
      return () => release();
    },
  };
}
