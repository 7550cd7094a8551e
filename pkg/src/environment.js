// @ts-check
// Every global that the package touches. Pages replace, freeze and remove them, and some throw when they are touched: whatever happens,
// the functions here answer with what is left and never throw, unless they say so.
//
// The exported names that are those of globals take their places in what wasm-bindgen writes; `xtask/src/build.rs` sees to that.

/** The longest timer there is: setTimeout takes 31 bits, and runs at once beyond them. */
export const LONGEST_TIMER = 2 ** 31 - 1;

/** Global variables as they are at this moment. */
export const page = /** @type {any} */ (globalThis);

/**
 * What a piece of code that touches the page answers with; undefined where it throws.
 * @template T
 * @param {() => T} touch
 * @returns {T | undefined}
 */
export const attempt = (touch) => {
  try {
    return touch();
  } catch {
    return undefined;
  }
};

/** Looks a property up anew. What WebKit has compiled goes on with the getter that it found at first, also where the page has put another there. */
const lookUp =
  attempt(() => page.Reflect.get) ?? ((/** @type {any} */ object, /** @type {string} */ name) => object[name]);

/** A global as it is now; undefined where it is missing or throws. @param {string} name */
export const global = (name) => attempt(() => lookUp(page, name));

/** Promises as the language makes them, whatever a page calls `Promise`. */
export const Promise = /** @type {PromiseConstructor} */ ((async () => {})().constructor);

/** What page code may throw: a rejection of such a promise, and nothing at once. @param {unknown} value @returns {Promise<any>} */
export const promised = (value) => new Promise((resolve) => resolve(value));

/** @param {() => void} task */
export const queueMicrotask = (task) => void promised(undefined).then(task);

/** The timers as they were when the package was loaded, should the page's own ones fail later. */
export const firstTimers = { setTimeout: global("setTimeout"), clearTimeout: global("clearTimeout") };

/**
 * Runs a task after so many milliseconds; answers with what `cancel` takes. Where no timer can be had, the task never runs.
 * @param {() => void} task
 * @param {number} delay
 * @returns {any}
 */
export const after = (task, delay) => {
  const milliseconds = delay < LONGEST_TIMER ? delay : LONGEST_TIMER;
  // Called without an object: Firefox and Chromium refuse their own functions as methods of anything but the window.
  const set = global("setTimeout");
  return attempt(() => set(task, milliseconds)) ?? attempt(() => firstTimers.setTimeout(task, milliseconds));
};

/** @param {any} timer */
export const cancel = (timer) => {
  const clear = global("clearTimeout");
  attempt(() => clear(timer));
  if (clear !== firstTimers.clearTimeout) attempt(() => firstTimers.clearTimeout(timer));
};

let latest = 0;
/** Milliseconds since 1970. */
export const wallNow = () => {
  const now = attempt(() => page.Date.now());
  if (Number.isFinite(now)) latest = now;
  return latest;
};

/** The same by the page's own clock alone, quickly: whatever that answers with or throws. @returns {number} */
export const pageNow = () => Date.now();

let highest = 0;
/** Milliseconds by a clock that never goes back; the wall clock's, as far as they go forward, where the page has no other. */
export const monotonicNow = () => {
  const now = attempt(() => page.performance.now());
  if (Number.isFinite(now)) return now;
  const wall = wallNow();
  if (wall > highest) highest = wall;
  return highest;
};

/** A number from 0 to 1, of which nothing secret depends. */
export const random = () => {
  const found = attempt(() => page.Math.random());
  return found >= 0 && found < 1 ? found : 0.5;
};

/** So many random bytes; undefined where the page has no source of secrets. @param {number} length @returns {Uint8Array<ArrayBuffer> | undefined} */
export const randomBytes = (length) =>
  attempt(() => {
    const bytes = new Uint8Array(length);
    page.crypto.getRandomValues(bytes);
    return bytes.some((byte) => byte) ? bytes : undefined;
  });

/** SHA-256 of bytes; undefined where the page may not have it, as outside of HTTPS. @param {Uint8Array<ArrayBuffer>} bytes @returns {Promise<ArrayBuffer> | undefined} */
export const sha256 = (bytes) => attempt(() => page.crypto.subtle.digest("SHA-256", bytes));

/** Whether the browser says that there is no network. */
export const isOffline = () => attempt(() => page.navigator.onLine) === false;

/** What relative addresses are resolved by; nothing on a server. @returns {string | undefined} */
const baseAddress = () => attempt(() => page.document.baseURI) ?? attempt(() => page.location.href);

/**
 * An address of http or https, resolved as far as can be told here: a relative one stays as it is where nothing is known to resolve it by.
 * Null where it is none.
 * @param {string} text
 * @returns {string | null}
 */
export const resolveUrl = (text) => {
  const base = baseAddress();
  const url = attempt(() => new page.URL(text, base ?? "https://page.invalid"));
  const href = attempt(() => url.href);
  // Without the page's own URL, what is wrong is told by who is asked.
  if (typeof href !== "string") return attempt(() => new page.URL("https://page.invalid").href) ? null : text;
  if (!/^https?:/.test(href)) return null;
  return base === undefined && !/^https?:/i.test(text) ? text : href;
};

/** The page's address without query and fragment; a frame without an address of its own has that of the page around it. @returns {string | undefined} */
export const pageAddress = () =>
  attempt(() => (/^https?:/.test(page.location.href) ? page.location.href : page.document.baseURI).split(/[?#]/)[0]);

/** @param {unknown[]} said */
export const complain = (...said) => void attempt(() => page.console.error(...said));

/** What has been said to this page already. @type {Set<string>} */
const saidOnce = new Set();
/** Says something to the page's developer, once, however often it happens. @param {string} text @param {unknown[]} details */
export const complainOnce = (text, ...details) => {
  if (saidOnce.has(text)) return;
  saidOnce.add(text);
  complain(`custom-identity-provider: ${text}`, ...details);
};

/** Listens to the window, or the worker; outside of both there is nothing to hear. @param {string} type @param {(event: any) => void} hear @param {any} [target] */
export const listen = (type, hear, target = page) => void attempt(() => target.addEventListener(type, hear));
/** @param {string} type @param {(event: any) => void} hear @param {any} [target] */
export const unlisten = (type, hear, target = page) => void attempt(() => target.removeEventListener(type, hear));

/** How a global stands on the page; undefined where it is missing or can't be told. @param {string} name */
export const describeGlobal = (name) => attempt(() => Object.getOwnPropertyDescriptor(page, name));

/** Puts a global on the page, or takes it off; where the page does not allow that, nothing happens. @param {string} name @param {PropertyDescriptor} [descriptor] */
export const defineGlobal = (name, descriptor) =>
  void attempt(() =>
    descriptor
      ? Object.defineProperty(page, name, { configurable: true, enumerable: true, ...descriptor })
      : delete page[name],
  );

/** Whether there is a window or a worker that can be listened to. */
export const canListen = () => typeof global("addEventListener") === "function";

/** What localStorage holds under a key; undefined where it can't be read. @param {string} key @returns {unknown} */
export const readLocal = (key) => attempt(() => global("localStorage").getItem(key));

/**
 * A storage of the page that never lies: what it did not do, it throws; undefined where it can't be had.
 * @param {"localStorage" | "sessionStorage"} name
 * @returns {Pick<Storage, "getItem" | "setItem" | "removeItem"> & {keys: () => string[]} | undefined}
 */
export const storage = (name) => {
  const found = global(name);
  if (attempt(() => typeof found.getItem) !== "function") return undefined;
  /** @param {string} key @returns {string | null} */
  const getItem = (key) => {
    const text = found.getItem(key) ?? null;
    if (text !== null && typeof text !== "string") throw new TypeError(`${name} answers with no text`);
    return text;
  };
  return {
    getItem,
    setItem: (key, text) => {
      found.setItem(key, text);
      if (getItem(key) !== text) throw new TypeError(`${name} does not keep what it is given`);
    },
    removeItem: (key) => {
      found.removeItem(key);
      if (getItem(key) !== null) throw new TypeError(`${name} does not remove what it holds`);
    },
    keys: () => Object.keys(found),
  };
};

/**
 * A controller and its signal; where the page has none that works, one that source functions can use all the same. `isNative` says whether
 * `fetch` may be given the signal.
 * @returns {{signal: AbortSignal, abort: () => void, isNative: boolean}}
 */
export const abortController = () => {
  const found = attempt(() => {
    const controller = new page.AbortController();
    const { signal } = controller;
    if (signal.aborted !== false || typeof signal.addEventListener !== "function") return undefined;
    return { signal, abort: () => void attempt(() => controller.abort()), isNative: true };
  });
  if (found) return found;
  /** @type {Set<Function>} */
  const heard = new Set();
  /** @type {any} */
  const signal = {
    aborted: false,
    reason: undefined,
    onabort: null,
    addEventListener: (/** @type {string} */ _type, /** @type {Function} */ hear) => void heard.add(hear),
    removeEventListener: (/** @type {string} */ _type, /** @type {Function} */ hear) => void heard.delete(hear),
    throwIfAborted: () => {
      if (signal.aborted) throw signal.reason;
    },
  };
  const abort = () => {
    if (signal.aborted) return;
    signal.aborted = true;
    signal.reason = abortReason();
    for (const hear of [signal.onabort, ...heard]) attempt(() => hear?.call(signal, { type: "abort", target: signal }));
  };
  return { signal, abort, isNative: false };
};

/** What a signal without a reason of its own was aborted with. */
export const abortReason = () => {
  const message = "This operation was aborted";
  return (
    attempt(() => new page.DOMException(message, "AbortError")) ??
    Object.assign(new Error(message), { name: "AbortError" })
  );
};

/** What keeps an object without keeping it alive; where the engine has no such thing it is kept. @template {object} T @param {T} object @returns {{deref: () => T | undefined}} */
export const weakly = (object) => {
  const reference = attempt(() => new page.WeakRef(object));
  return attempt(() => reference.deref()) === object ? reference : { deref: () => object };
};

/** What wasm-bindgen writes reads objects by this. */
export const Reflect = {
  /** @param {any} object @param {string} name @returns {any} */
  get: (object, name) => object[name],
};

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** Bytes as base64url without padding (RFC 4648, section 5). @param {Uint8Array} bytes */
export const base64url = (bytes) => {
  let text = "";
  for (let bit = 0; bit < bytes.length * 8; bit += 6) {
    const pair = (bytes[bit >> 3] << 8) | (bytes[(bit >> 3) + 1] ?? 0);
    text += `${DIGITS.slice(0, 62)}-_`[(pair >> (10 - (bit & 7))) & 63];
  }
  return text;
};

/** The bytes of base64, also of the form for URLs (RFC 4648, section 5); throws where it is neither. @param {string} text */
export const bytesOfBase64 = (text) => {
  const values = new Uint8Array(128).fill(64);
  for (let value = 0; value < 64; value += 1) values[DIGITS.charCodeAt(value)] = value;
  values[45] = 62; // -
  values[95] = 63; // _
  let length = text.length;
  while (text[length - 1] === "=") length -= 1;
  const bytes = new Uint8Array((length * 3) >> 2);
  let bits = 0;
  let at = 0;
  for (let index = 0; index < length; index += 1) {
    const value = values[text.charCodeAt(index)];
    if (!(value < 64)) throw new TypeError("no base64");
    bits = (bits << 6) | value;
    if (index & 3) bytes[at++] = bits >> (6 - 2 * (index & 3));
  }
  return bytes;
};

/** Text of UTF-8, also where the page has no `TextDecoder`. */
export class TextDecoder {
  /** @param {string} [label] @param {object} [options] */
  constructor(label, options) {
    this.native = attempt(() => new page.TextDecoder(label, options));
  }
  /** @param {Uint8Array} [bytes] */
  decode(bytes = new Uint8Array()) {
    const text = attempt(() => this.native?.decode(bytes));
    if (typeof text === "string") return text;
    let binary = "";
    for (const byte of bytes) binary += `%${(byte + 256).toString(16).slice(1)}`;
    return decodeURIComponent(binary);
  }
}

/** UTF-8 of text, also where the page has no `TextEncoder`. */
export class TextEncoder {
  constructor() {
    this.native = attempt(() => new page.TextEncoder());
  }
  /** @param {string} text @returns {Uint8Array<ArrayBuffer>} */
  encode(text) {
    const native = attempt(() => this.native?.encode(text));
    if (native) return native;
    // A lone surrogate has no UTF-8.
    const binary = encodeURIComponent(text.replace(/[\uD800-\uDFFF]/gu, "\uFFFD")).replace(/%(..)/g, (_, hex) =>
      String.fromCharCode(parseInt(hex, 16)),
    );
    return Uint8Array.from(binary, (character) => character.charCodeAt(0));
  }
  /** @param {string} text @param {Uint8Array} into */
  encodeInto(text, into) {
    const native = attempt(() => this.native?.encodeInto(text, into));
    if (native) return native;
    const bytes = this.encode(text);
    into.set(bytes);
    return { read: text.length, written: bytes.length };
  }
}

/** Frees what the core holds for an object that is garbage; where the engine does not say so, it is never freed. */
export class FinalizationRegistry {
  /** @param {(held: any) => void} clean */
  constructor(clean) {
    this.native = attempt(() => new page.FinalizationRegistry(clean));
  }
  /** @param {any} object @param {any} held */
  register(object, held) {
    attempt(() => this.native?.register(object, held));
  }
}
