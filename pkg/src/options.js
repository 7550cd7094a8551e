// @ts-check
// How options are read: every wrong one is named, with what was expected of it.

import { attempt, resolveUrl } from "./environment.js";
import { badOption } from "./error.js";
import { HEADERS, readHeaders } from "./headers.js";
import { parse } from "./json.js";
import { bare, isRecord } from "./value.js";
import { asker } from "./source.js";

/** @typedef {import("../index.js").FunctionSource} FunctionSource */
/** @typedef {{name: string} & ({function: FunctionSource} | {url: string, init: import("./source.js").Init} | {grant: "cookie", clientId: string, redirectUri?: string, accountsUrl: string} | {grant: "identity_token", clientId: string, transferUrl: string, accountsUrl: string})} Source */
/** @typedef {import("./widget.js").Widget} Widget */
/** @typedef {import("./error.js").IdentityError} IdentityError */
/** @typedef {ReturnType<typeof reader>} Reader */
/**
 * Options as the core takes them: complete, and right.
 * @typedef {object} ReadOptions
 * @property {import("./widget.js").WidgetName} widget
 * @property {number} number the widget's
 * @property {Source | undefined} source
 * @property {Source} [guests] the source for who is not signed in
 * @property {(() => unknown) | null | undefined} identity
 * @property {string} cache
 * @property {import("./widget.js").Wanted} wanted what is wanted of the source
 * @property {string} [codeChallenge] the proof key that a code has to be bound to
 * @property {number} [licenseId]
 * @property {string | undefined} organizationId
 * @property {string} accountKey both, as part of a key
 * @property {() => IdentityError} [missing] what nobody can do without, where that is known only when the page is there
 * @property {number | undefined} margin
 * @property {number} refreshAhead
 * @property {number} timeout
 * @property {number} patience
 * @property {Function | undefined} onEvent
 * @property {(error: unknown) => void} [advise] what failed calls are told to, beside the caller
 * @property {(identity: string | undefined, reason: string) => import("./source.js").Asking} ask asks the source once
 */

/** The caches by the core's numbers: the order is that of `Cache::ALL` in `src/core/session.rs`. */
export const CACHES = ["none", "memory", "session"];

/** How long tokens are kept where the page does not say: a code is for one redemption. */
const DEFAULT_CACHE = { token: "session", jwt: "memory", code: "none" };

/** How long one attempt may take, and all of a request's, as `Policy` in `src/core/session.rs` has it. Milliseconds. */
const TIMEOUT = 10_000;
const PATIENCE = 30_000;

/** The options of every widget. */
const COMMON = [
  "source",
  "identity",
  "cache",
  "margin",
  "refreshAhead",
  "timeout",
  "patience",
  "onEvent",
  "organizationId",
];

/** What is expected of an address. */
const ADDRESS = "a URL that this page can resolve";
const LIVECHAT_ACCOUNTS = "https://accounts.livechat.com";

/**
 * What is given of an object's own options: an explicit undefined is not, and neither is what its prototype has. Getters run here, once.
 * @param {any} object
 * @param {string} [prefix] stands before each name in errors
 * @returns {any}
 */
export const given = (object, prefix = "") => {
  const names = attempt(() => Object.keys(object));
  if (!names) throw badOption(prefix.slice(0, -1) || "options", "an object that can be read");
  const copy = Object.create(null);
  for (const name of names) {
    let value;
    try {
      value = object[name];
    } catch {
      throw badOption(prefix + name, "a value that can be read");
    }
    if (value !== undefined) copy[name] = value;
  }
  return copy;
};

/**
 * Reads the options of one object; `prefix` stands before each name in errors.
 * @param {any} object
 * @param {string} prefix
 * @param {string[]} known
 */
const reader = (object, prefix, known) => {
  const own = given(object, prefix);
  for (const name of Object.keys(own)) {
    // A misspelt option must not be ignored.
    if (!known.includes(name)) throw badOption(prefix + name, `one of ${known.join(", ")}`);
  }
  /**
   * @template T
   * @param {string} name
   * @param {(value: any) => T | undefined} read undefined where the value is wrong
   * @param {string} expected
   * @returns {T | undefined}
   */
  const option = (name, read, expected) => {
    const value = own[name];
    if (value === undefined) return undefined;
    const right = attempt(() => read(value));
    if (right === undefined) throw badOption(prefix + name, expected);
    return right;
  };
  /** @param {string} name */
  const text = (name) =>
    option(name, (value) => (typeof value === "string" && value ? value : undefined), "a non-empty string");
  /** @param {string} name */
  const url = (name) => option(name, address, ADDRESS);
  /** @param {string} name @param {string[]} choices */
  const oneOf = (name, choices) =>
    option(
      name,
      (value) => (choices.includes(value) ? /** @type {string} */ (value) : undefined),
      `"${choices.join('" or "')}"`,
    );
  return {
    own,
    option,
    text,
    url,
    oneOf,
    /** @param {string} name @param {string} expected */
    callable: (name, expected = "a function") =>
      option(name, (value) => (typeof value === "function" ? value : undefined), expected),
    /** @param {string} name */
    boolean: (name) => option(name, (value) => (typeof value === "boolean" ? value : undefined), "a boolean"),
    /** @param {string} name @param {import("./widget.js").Wanted} wanted */
    source: (name, wanted) => (own[name] === undefined ? undefined : readSource(own[name], name, wanted)),
    /** @template T @param {string} name @param {T | undefined} value @param {string} expected @returns {T} */
    required: (name, value, expected) => {
      if (value === undefined) throw badOption(prefix + name, expected);
      return value;
    },
    /** @param {string} name @param {number} least */
    milliseconds: (name, least) =>
      option(
        name,
        (value) =>
          typeof value === "number" && value >= least && value <= Number.MAX_SAFE_INTEGER ? value : undefined,
        least ? "a positive number of milliseconds" : "a number of milliseconds, 0 or more",
      ),
  };
};

/**
 * An address as the page gave it, as text or as a URL of whatever frame; undefined where it is none. Where nothing is known yet to resolve
 * a relative one by, as on a server, it is resolved when it is used.
 * @param {any} value
 * @returns {string | undefined}
 */
const address = (value) => {
  const text = typeof value === "string" ? value : value.href;
  return typeof text === "string" && text && resolveUrl(text) !== null ? text : undefined;
};

/**
 * @param {any} value
 * @param {string} name of the option
 * @param {import("./widget.js").Wanted} wanted
 * @returns {Source}
 */
const readSource = (value, name, wanted) => {
  // LiveChat's own grants are sources of its tokens.
  const isLiveChat = wanted === "token";
  const isCodeFlow = wanted === "code";
  if (typeof value === "function") return bare({ name, function: /** @type {FunctionSource} */ (value) });
  // A URL, of whatever frame, inherits its address; an own one is a misspelt url.
  const isUrl = attempt(() => typeof value.href === "string" && !Object.prototype.hasOwnProperty.call(value, "href"));
  if (typeof value === "string" || isUrl) {
    const url = address(value);
    if (url === undefined) throw badOption(name, ADDRESS);
    return bare({ name, url, init: bare({ method: "POST", credentials: /** @type {const} */ ("same-origin") }) });
  }
  if (!isRecord(value))
    throw badOption(name, `a function, a URL, or an object with url${isLiveChat ? " or grant" : ""}`);
  const { grant } = given(value, `${name}.`);
  const read = (/** @type {string[]} */ ...known) => reader(value, `${name}.`, known);
  if (grant === undefined || !isLiveChat) {
    const options = read("url", "method", "headers", "credentials", "body");
    const url = options.required("url", options.url("url"), isLiveChat ? "a URL (or give grant)" : "a URL");
    const method = options.oneOf("method", ["GET", "POST"]) ?? "POST";
    const credentials = /** @type {RequestCredentials | undefined} */ (
      options.oneOf("credentials", ["omit", "same-origin", "include"])
    );
    const body = options.text("body");
    if (body !== undefined && method === "GET") throw badOption(`${name}.body`, 'none with method "GET"');
    if (isCodeFlow && method === "GET") throw badOption(`${name}.method`, '"POST" for a new code');
    if (isCodeFlow && body !== undefined && !isRecord(parse(body)?.parsed))
      throw badOption(`${name}.body`, "a JSON object");
    const headers = options.option(
      "headers",
      (headers) => (typeof headers === "function" ? headers : readHeaders(headers)),
      HEADERS,
    );
    return bare({ name, url, init: bare({ method, credentials: credentials ?? "same-origin", body, headers }) });
  }
  if (grant === "cookie") {
    const options = read("grant", "clientId", "redirectUri", "accountsUrl");
    return bare({
      name,
      grant: /** @type {const} */ ("cookie"),
      clientId: options.required("clientId", options.text("clientId"), "a non-empty string"),
      redirectUri: options.text("redirectUri"),
      accountsUrl: options.url("accountsUrl") ?? LIVECHAT_ACCOUNTS,
    });
  }
  if (grant === "identity_token") {
    const options = read("grant", "clientId", "transferUrl", "accountsUrl");
    return bare({
      name,
      grant: /** @type {const} */ ("identity_token"),
      clientId: options.required("clientId", options.text("clientId"), "a non-empty string"),
      transferUrl: options.required("transferUrl", options.url("transferUrl"), "the URL of the page's own service"),
      accountsUrl: options.url("accountsUrl") ?? LIVECHAT_ACCOUNTS,
    });
  }
  throw badOption(`${name}.grant`, '"cookie" or "identity_token"');
};

/** How the page says who is signed in. */
const IDENTITY = "a function that answers with the page's own user id or null, or null when nobody can be signed in";

/**
 * Options of which any may be missing; only those that are given have to be right.
 * @param {Widget} widget
 * @param {any} value
 * @returns {Omit<ReadOptions, "accountKey" | "ask">}
 */
export const readPartialOptions = (widget, value) => {
  if (!isRecord(value)) throw badOption("options", "an object");
  const options = reader(value, "", [...COMMON, ...Object.keys(widget.own)]);
  /** @type {any} */
  const own = {};
  for (const name of Object.keys(widget.own)) own[name] = widget.own[name](options, name);
  const wanted = widget.wanted(own);
  return {
    ...own,
    widget: widget.name,
    number: widget.number,
    wanted,
    source: options.source("source", wanted),
    identity:
      options.own.identity === null
        ? null
        : /** @type {(() => unknown) | undefined} */ (options.callable("identity", IDENTITY)),
    cache: options.oneOf("cache", wanted === "code" ? [DEFAULT_CACHE.code] : CACHES) ?? DEFAULT_CACHE[wanted],
    organizationId: options.text("organizationId"),
    margin: options.milliseconds("margin", 0),
    refreshAhead: options.milliseconds("refreshAhead", 0) ?? 0,
    timeout: options.milliseconds("timeout", 1) ?? TIMEOUT,
    patience: options.milliseconds("patience", 0) ?? PATIENCE,
    onEvent: options.callable("onEvent"),
  };
};

/**
 * Complete options of a widget.
 * @param {Widget} widget
 * @param {any} value
 * @returns {ReadOptions}
 */
export const readOptions = (widget, value) => {
  /** @type {ReadOptions} */
  const options = {
    ...readPartialOptions(widget, value),
    accountKey: "",
    ask: (identity, reason) => asker(options, identity, reason),
  };
  if (!options.source) {
    throw badOption(
      "source",
      `one to be given: a function, a URL, or an object with url${options.wanted === "token" ? " or grant" : ""}`,
    );
  }
  if (options.identity === undefined && options.cache === "session") {
    throw badOption("identity", `one to be given with a cache that outlives the page: ${IDENTITY}`);
  }
  widget.complete?.(options);
  options.accountKey = `${options.licenseId ?? ""}:${options.organizationId ?? ""}`;
  return options;
};
