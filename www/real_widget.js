// LiveChat's snippet, as its tracking code puts it on a page, and what it loads. Document: Text Platform, "Chat Widget JS API".

const TRACKING = "https://cdn.livechatinc.com/tracking.js";

/**
 * Puts the object in place that holds calls until the widget is there; its `init` does what is given. `window.__lc` has
 * to be set before.
 * @param {() => void} init
 */
export const placeSnippet = (init) => {
  /** LiveChat's own, whose methods are given it by name. @type {any} */
  const widget = { _q: [], _h: null, _v: "2.0", init };
  /** @param {[method: string, given: unknown[]]} entry */
  const pass = (entry) => (widget._h ? widget._h.apply(null, entry) : widget._q.push(entry));
  for (const name of ["on", "once", "off", "call"])
    widget[name] = (/** @type {unknown[]} */ ...given) => void pass([name, given]);
  widget.get = (/** @type {unknown[]} */ ...given) => {
    if (!widget._h) throw new Error("LiveChatWidget: nothing can be read before it is loaded");
    return pass(["get", given]);
  };
  window.LiveChatWidget ??= widget;
};

/** Loads LiveChat's own widget. */
export const loadRealWidget = () => {
  placeSnippet(() => {
    const script = document.createElement("script");
    script.async = true;
    script.src = TRACKING;
    document.head.append(script);
  });
  window.LiveChatWidget.init();
};
