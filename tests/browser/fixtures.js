// What the tests need of a page and is awkward in Rust: scripted sources, faults of the platform, a fake clock, other tabs, eavesdroppers.
// Nothing of the package is replaced here, only what the browser gives it.

import { custom_identity_provider } from "../../pkg/generated/tested.js";

const GENERATION = "custom_identity_provider:generation";
const PACKAGE = new URL("../../pkg/generated/tested.js", import.meta.url).href;

/** What undoes the test's changes to the page; run by the next test too, should one fail half-way. @type {(() => void)[]} */
const changes = [];

/** Undoes something when the test is over. @param {() => void} undo */
export const undoLater = (undo) => void changes.push(undo);

/** Replaces a property of the page until the test is over. */
export const replace = (object, name, descriptor) => {
  const before = Object.getOwnPropertyDescriptor(object, name);
  Object.defineProperty(object, name, { configurable: true, ...descriptor });
  changes.push(() => {
    if (before) Object.defineProperty(object, name, before);
    else delete object[name];
  });
};

/** The page as it was: every global restored, every frame gone, storages empty but for the mark of the latest sign-out. */
export const restorePage = () => {
  while (changes.length) changes.pop()();
  sessionStorage.clear();
  for (const key of Object.keys(localStorage)) if (key !== GENERATION) localStorage.removeItem(key);
};

/** Tells the page that it comes back from the back/forward cache. */
export const comeBack = () => dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }));

/** The document is told that it is frozen, or goes on. @param {"freeze" | "resume"} type */
export const happenToDocument = (type) => document.dispatchEvent(new Event(type));

export const goOnline = () => dispatchEvent(new Event("online"));

const { port1, port2 } = new MessageChannel();
/** Who waits for a turn of the page's event loop. @type {(() => void)[]} */
const turns = [];
port1.onmessage = () => turns.shift()?.();

/** Resolves when everything that can happen without time passing has happened. */
export const settled = async () => {
  for (let turn = 0; turn < 5; turn += 1) {
    await new Promise((resolve) => {
      turns.push(resolve);
      port2.postMessage(0);
    });
  }
};

/** "pending", "fulfilled" or "rejected", after everything that can happen has happened. */
export const stateOf = async (promise) => {
  let state = "pending";
  promise.then(
    () => (state = "fulfilled"),
    () => (state = "rejected"),
  );
  await settled();
  return state;
};

/** A source whose every run waits until the test answers it, or is answered by a function of the test. */
export class Source {
  constructor() {
    this.runs = [];
    this.answerer = undefined;
    this.waiting = [];
    this.ask = (request) => {
      const run = { request };
      this.runs.push(run);
      for (const { count, resolve } of this.waiting) if (this.runs.length >= count) resolve();
      if (this.answerer) return this.answerer(request, this.runs.length);
      return new Promise((resolve, reject) => Object.assign(run, { resolve, reject }));
    };
  }

  count() {
    return this.runs.length;
  }

  run(index) {
    if (!this.runs[index])
      throw new Error(`the source was asked ${this.runs.length} times, the test looks at run ${index}`);
    return this.runs[index];
  }

  answer(index, value) {
    this.run(index).resolve(value);
  }

  fail(index, error) {
    this.run(index).reject(error);
  }

  signal(index) {
    return this.run(index).request.signal;
  }

  request(index) {
    return this.run(index).request;
  }

  /** Resolves when the source has been asked so many times. */
  asked(count) {
    if (this.runs.length >= count) return Promise.resolve();
    return new Promise((resolve) => this.waiting.push({ count, resolve }));
  }

  /** From now on runs are answered by this function of the run's number, the first being 1. */
  answerBy(answerer) {
    this.answerer = (_, number) => answerer(number);
  }
}

/** Who is signed in. */
export class Person {
  constructor(id) {
    this.id = id;
    this.identity = () => this.id;
  }
}

/** Everything that `onEvent` was told. */
export class Events {
  constructor() {
    this.list = [];
    this.waiting = [];
    this.listener = (event) => {
      this.list.push(event);
      for (const { type, resolve } of this.waiting) if (event.type === type) resolve(event);
    };
  }

  count(type) {
    return this.list.filter((event) => event.type === type).length;
  }

  /** The latest event of a type, or undefined. */
  latest(type) {
    return this.list.findLast((event) => event.type === type);
  }

  /** Resolves with the first event of a type, from the beginning or yet to come. */
  first(type) {
    const found = this.list.find((event) => event.type === type);
    return found ? Promise.resolve(found) : new Promise((resolve) => this.waiting.push({ type, resolve }));
  }

  text() {
    return JSON.stringify(this.list);
  }

  clear() {
    this.list.length = 0;
  }
}

/** Numbers the timers of all clocks: what an earlier test's clock gave out must not clear a timer of a later one. */
let timerNumber = 2 ** 40;

/** Both clocks and the timers of a window, moved by the test alone. A timer of more than 31 bits runs at once, as in a browser. */
export class Clock {
  constructor(target) {
    this.wall = target.Date.now();
    // Whole milliseconds: a timer of a fraction would run without time passing, for ever.
    this.monotonic = Math.ceil(target.performance.now());
    this.timers = new Map();
    const { setTimeout: reallySet, clearTimeout: reallyClear } = target;
    replace(target.Date, "now", { value: () => this.wall });
    replace(target.performance, "now", { value: () => this.monotonic });
    replace(target, "setTimeout", {
      writable: true,
      value: (run, delay = 0, ...given) => {
        if (typeof run !== "function") return reallySet.call(target, run, delay, ...given);
        const wrapped = delay | 0;
        const number = (timerNumber += 1);
        this.timers.set(number, { at: this.monotonic + Math.max(wrapped, 0), run: () => run(...given) });
        return number;
      },
    });
    replace(target, "clearTimeout", {
      writable: true,
      value: (number) => void (this.timers.delete(number) || reallyClear.call(target, number)),
    });
  }

  /** Lets time pass by both clocks; timers run when they are due. */
  async advance(milliseconds) {
    const end = this.monotonic + milliseconds;
    const step = (/** @type {number} */ to) => {
      this.wall += to - this.monotonic;
      this.monotonic = to;
    };
    await settled();
    for (;;) {
      const due = [...this.timers].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at)[0];
      if (!due) break;
      const [number, { at, run }] = due;
      this.timers.delete(number);
      step(Math.max(at, this.monotonic));
      run();
      await settled();
    }
    step(end);
    await settled();
  }

  /** Time passes while timers stand still, as in the back/forward cache. */
  freeze(milliseconds) {
    this.wall += milliseconds;
    this.monotonic += milliseconds;
  }

  /** The wall clock is set. */
  moveWall(milliseconds) {
    this.wall += milliseconds;
  }

  /** The monotonic clock alone goes on: somebody turned the wall clock back meanwhile. */
  moveMonotonic(milliseconds) {
    this.monotonic += milliseconds;
  }
}

/** Touching this storage of the window throws, as with storage blocked. */
export const blockStorage = (target, name) =>
  replace(target, name, {
    get() {
      throw new DOMException("access is denied for this document", "SecurityError");
    },
  });

/** The window has no such storage. */
export const removeStorage = (target, name) => replace(target, name, { value: undefined });

/** The storage is there, and this method of it throws. */
export const breakStorageMethod = (method) => {
  replace(Storage.prototype, method, {
    writable: true,
    value() {
      throw new DOMException("no", method === "setItem" ? "QuotaExceededError" : "InvalidStateError");
    },
  });
};

/** Fills sessionStorage until not another character fits. */
export const fillSessionStorage = () => {
  changes.push(() => sessionStorage.clear());
  let number = 0;
  for (let length = 2 ** 24; length >= 1; length = Math.floor(length / 2)) {
    for (let fits = true; fits;) {
      try {
        sessionStorage.setItem(`full:${(number += 1)}`, "x".repeat(length));
      } catch {
        fits = false;
      }
    }
  }
};

/** Another document of the same origin: for localStorage another tab, for sessionStorage this one after a reload. */
// Taken before any test puts something else in their place.
const Channel = BroadcastChannel;
const local = localStorage;
const { setItem, removeItem } = Storage.prototype;

/** Resolves when all that this page has told the origin's documents so far has gone by: an earlier test's sign-out is not for a tab that opens now. */
const goneBy = (otherWindow) => {
  const key = "all that was written before";
  const here = new Channel(GENERATION);
  const there = new otherWindow.BroadcastChannel(GENERATION);
  const told = new Promise((resolve) => (there.onmessage = resolve));
  const written = new Promise((resolve) => {
    otherWindow.addEventListener("storage", (event) => {
      if (event.key === key) resolve();
    });
  });
  here.postMessage("all that was told before");
  setItem.call(local, key, "");
  removeItem.call(local, key);
  return Promise.all([told, written]).then(() => [here, there].forEach((channel) => channel.close()));
};

export class Tab {
  constructor() {
    this.frame = document.createElement("iframe");
    this.frame.srcdoc = `<!doctype html><title>another tab</title>
      <script type="module">import * as loaded from ${JSON.stringify(PACKAGE)}; window.loaded = loaded;</script>`;
    changes.push(() => this.frame.remove());
  }

  get window() {
    return this.frame.contentWindow;
  }

  /** Loads a copy of the package of its own. */
  async load() {
    const loaded = new Promise((resolve) => this.frame.addEventListener("load", resolve, { once: true }));
    document.body.append(this.frame);
    await loaded;
    if (!this.window.loaded) throw new Error("the package was not loaded in the other tab");
    await goneBy(this.window);
  }

  provider(options) {
    return this.window.loaded.custom_identity_provider(options);
  }

  signOut() {
    return this.window.loaded.sign_out();
  }

  readLocal(key) {
    return this.window.localStorage.getItem(key);
  }

  writeLocal(key, value) {
    this.window.localStorage.setItem(key, value);
  }

  close() {
    this.frame.remove();
  }
}

export const packageFunction = () => custom_identity_provider;

/** Another copy of the package on this page, as a second tag would load it. */
export const loadCopy = () => import(`${PACKAGE}?copy`);

/** Resolves when this page hears of a change in localStorage by another tab. */
export const heardOfStorage = () =>
  new Promise((resolve) => addEventListener("storage", resolve, { once: true })).then(settled);

/** Counts the page's unhandled rejections. */
export class UnhandledRejections {
  constructor() {
    this.count = 0;
    const listener = (/** @type {Event} */ event) => {
      event.preventDefault();
      this.count += 1;
    };
    addEventListener("unhandledrejection", listener);
    changes.push(() => removeEventListener("unhandledrejection", listener));
  }

  get seen() {
    return this.count;
  }
}

/** Everything that is written to the console or fetched. */
export class Eavesdropper {
  constructor() {
    this.heard = [];
    for (const name of ["debug", "error", "info", "log", "trace", "warn"]) {
      replace(console, name, {
        writable: true,
        value: (...words) => void this.heard.push(words.map(describe).join(" ")),
      });
    }
    const fetch = globalThis.fetch;
    replace(globalThis, "fetch", {
      writable: true,
      value: (url, init) => {
        this.heard.push(`fetch ${url}`);
        return fetch(url, init);
      },
    });
  }

  text() {
    return this.heard.join("\n");
  }
}

/** All that a person or a log could see of a value. */
export const describe = (value) => {
  if (!(value instanceof Error)) return typeof value === "object" ? JSON.stringify(value) : String(value);
  const own = Object.getOwnPropertyNames(value).map(
    (name) => `${name}=${name === "cause" ? describe(value.cause) : String(value[name])}`,
  );
  return [String(value), JSON.stringify(value), ...own].join("\n");
};

/** Whether a structured clone of the value is the same. */
export const survivesCloning = (value) => {
  const clone = structuredClone(value);
  return JSON.stringify(clone) === JSON.stringify(value) && Object.getPrototypeOf(value) === Object.prototype;
};

/** Resolves when a timer that is too long for the browser has run. */
export const overlongTimer = () => new Promise((resolve) => setTimeout(resolve, 2 ** 31 + 1000));

/** An error that a function source may reject with. */
export const sourceError = (fields) => Object.assign(new Error("the source failed"), fields);
export const networkError = () => new TypeError("Failed to fetch");

/** Calls without a `this`. */
export const detached = (object, name) => {
  const method = object[name];
  return method();
};

/** Sets `window.__lc`, LiveChat's own snippet. */
export const setSnippet = (value) => replace(globalThis, "__lc", { value, writable: true });
