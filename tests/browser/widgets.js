// What the tests of callback widgets need of a page: JSON Web Tokens, callbacks that remember, Omnichannel's SDK, a service behind fetch.
// The tokens' signatures are of no meaning, for nobody checks them in a browser.

import { replace, undoLater } from "./fixtures.js";

export { undoLater };

/** How long a callback may take, by a clock that no test moves. Milliseconds. */
const PATIENCE = 5_000;
const reallySetTimeout = setTimeout;

/** @param {unknown} value */
const encoded = (value) => {
  const bytes = new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
  return btoa(String.fromCharCode(...bytes))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=+$/, "");
};

/** Parts of a token: objects and texts are encoded. */
export const joined = (...parts) => parts.map(encoded).join(".");

/** A signed token. */
export const signedToken = (header, claims) => joined(header, claims, "a signature");

/** An encrypted token, of which only the header can be read. */
export const encryptedToken = (header) => joined(header, "key", "vector", "text", "tag");

/** A callback of a widget, which remembers what it is called with. */
export class Callback {
  constructor() {
    this.calls = [];
    this.waiting = [];
    this.thrown = undefined;
    this.call = (...given) => {
      this.calls.push(given);
      for (const resolve of this.waiting.splice(0)) resolve();
      if (this.thrown) throw this.thrown;
    };
  }

  count() {
    return this.calls.length;
  }

  /** How many arguments the first call had. */
  width() {
    return this.calls[0].length;
  }

  argument(call, index) {
    return this.calls[call][index];
  }

  /** Resolves when it has been called; a test whose callback is forgotten has to fail, not to hang. */
  called() {
    if (this.calls.length) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.waiting.push(resolve);
      reallySetTimeout(() => reject(new Error("the callback was not called")), PATIENCE);
    });
  }

  throwFromNowOn() {
    this.thrown = new Error("the widget is broken");
  }

  text() {
    return JSON.stringify(this.calls);
  }
}

/** Omnichannel's SDK as it stands on a page, by its documented contract; it remembers what is asked of it. */
export class LiveChatSdk {
  constructor() {
    this.provider = null;
    this.done = [];
    this.failure = undefined;
    this.sdk = {
      setAuthTokenProvider: (provider) => {
        this.done.push("set");
        this.provider = provider;
      },
      getAuthTokenProvider: () => this.provider,
      removeAuthTokenProvider: () => {
        this.done.push("remove");
        this.provider = null;
      },
      startChat: (options) => {
        this.done.push(`start ${JSON.stringify(options)}`);
        return this.failure ? Promise.reject(this.failure) : Promise.resolve();
      },
    };
  }

  /** Puts itself on the page, without telling. */
  appear() {
    replace(globalThis, "Microsoft", { value: { Omnichannel: { LiveChatWidget: { SDK: this.sdk } } } });
  }

  ready() {
    dispatchEvent(new CustomEvent("lcw:ready"));
  }

  fail(errorCode) {
    dispatchEvent(new CustomEvent("lcw:error", { detail: { errorCode } }));
  }

  failStarting() {
    this.failure = new Error("a chat is running already");
  }

  /** From now on this method throws. */
  breakMethod(name) {
    this.sdk[name] = () => {
      throw new Error("the SDK is broken");
    };
  }

  /** What was asked of it, in order. */
  history() {
    return this.done.join(", ");
  }
}

/** The page's own service, behind `fetch`: answers as it is told, and remembers how it was asked. */
export class Service {
  constructor() {
    this.requests = [];
    this.answer = () => new Response(null, { status: 503 });
    replace(globalThis, "fetch", {
      writable: true,
      value: async (url, init) => {
        const { method, body, credentials, cache } = init;
        // As they would be sent: names in small letters, values of equal names joined.
        const headers = Object.fromEntries(new Headers(init.headers));
        this.requests.push({ url: String(url), method, body, headers, credentials, cache });
        return this.answer();
      },
    });
  }

  answers(status, type, body) {
    this.answer = () => new Response(body, { status, headers: { "content-type": type } });
  }

  count() {
    return this.requests.length;
  }

  request(index) {
    return this.requests[index];
  }
}
