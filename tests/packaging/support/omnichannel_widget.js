// A stand-in for Omnichannel's chat widget as it stands on a page: its live chat SDK by the documented contract, whose work is done elsewhere and told by events.

/** Runs in the page: puts the SDK there, and tells that it is ready. */
const widget = () => {
  // What a test looks at: whose chat is open, and what was asked for.
  const seen = { open: null, begun: [], starts: 0, closed: 0, reopened: 0 };
  let provider = null;
  let work = Promise.resolve();
  const tell = (type, detail) => dispatchEvent(new CustomEvent(type, { detail }));
  /** The widget lives in a frame: it is asked by messages, and does one thing after the other. */
  const later = (task) => {
    work = work.then(() => new Promise((resolve) => setTimeout(resolve, 20))).then(task);
  };
  const subject = (token) =>
    token === null ? "nobody" : JSON.parse(atob(token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/"))).sub;
  const SDK = {
    setAuthTokenProvider: (next) => {
      provider = next;
    },
    getAuthTokenProvider: () => provider,
    removeAuthTokenProvider: () => {
      provider = null;
    },
    startChat: () => {
      seen.starts += 1;
      // A chat that is still there is opened again.
      if (seen.open !== null) {
        seen.reopened += 1;
        return;
      }
      later(async () => {
        const token = await new Promise((resolve) => (provider ? provider(resolve) : resolve(null)));
        seen.open = subject(token);
        seen.begun.push(seen.open);
        tell("lcw:startChat");
      });
    },
    closeChat: () =>
      later(() => {
        seen.open = null;
        seen.closed += 1;
        tell("lcw:closeChat");
      }),
  };
  Object.assign(globalThis, { omnichannel: seen, Microsoft: { Omnichannel: { LiveChatWidget: { SDK } } } });
  tell("lcw:ready");
};

/** The script that a page loads the widget by. */
export const omnichannelWidget = `(${widget})();`;
