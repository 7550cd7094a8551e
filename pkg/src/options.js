// @ts-check
// How options are read: every wrong one is named, with what was expected of it.

import { attempt, resolveUrl } from "./environment.js";
import { badOption } from "./error.js";
import { HEADERS, readHeaders } from "./headers.js";
import { parse } from "./json.js";
import { bare, isRecord } from "./value.js";

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
 * @property {string} [tabs] whether tabs ask together
 * @property {Function | undefined} onEvent
 * @property {(identity: string | undefined, reason: string) => import("./source.js").Asking} ask asks the source once, by the copy of the package that read the options; added by the engine
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
  "tabs",
];

/** What is expected of an address, of a text and of a source. */
const ADDRESS = "a URL that this page can resolve";
const TEXT = "a non-empty string";
const SAME_ORIGIN = /** @type {const} */ ("same-origin");
/** LiveChat's grants, each with the option that it has alone. */
const GRANTS = bare({ cookie: "redirectUri", identity_token: "transferUrl" });
const sourceOf = (/** @type {import("./widget.js").Wanted} */ wanted) =>
  `a function, a URL, or an object with url${wanted === "token" ? " or grant" : ""}`;

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
  /** A value as it is, where it passes. @param {string} name @param {(value: any) => unknown} isRight @param {string} expected */
  const passing = (name, isRight, expected) => option(name, (value) => (isRight(value) ? value : undefined), expected);
  /** @param {string} type @param {string} expected */
  const typed =
    (type, expected) =>
    /** @param {string} name @param {string} [more] what is expected, said better @returns {any} */
    (name, more = expected) =>
      passing(name, (value) => typeof value === type && value !== "", more);
  return {
    own,
    option,
    text: typed("string", TEXT),
    callable: typed("function", "a function"),
    boolean: typed("boolean", "a boolean"),
    /** @param {string} name @returns {string | undefined} */
    url: (name) => option(name, address, ADDRESS),
    /** @param {string} name @param {string[]} choices @returns {string | undefined} */
    oneOf: (name, choices) => passing(name, (value) => choices.includes(value), `"${choices.join('" or "')}"`),
    /** @param {string} name @param {import("./widget.js").Wanted} wanted */
    source: (name, wanted) => (own[name] === undefined ? undefined : readSource(own[name], name, wanted)),
    /** @template T @param {string} name @param {T | undefined} value @param {string} expected @returns {T} */
    required: (name, value, expected) => {
      if (value === undefined) throw badOption(prefix + name, expected);
      return value;
    },
    /** @param {string} name @param {number} least @returns {number | undefined} */
    milliseconds: (name, least) =>
      passing(
        name,
        (value) => typeof value === "number" && value >= least && value <= Number.MAX_SAFE_INTEGER,
        `a number of milliseconds, ${least} or more`,
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
  /** @param {string} field @param {string} expected */
  const wrong = (field, expected) => badOption(name + field, expected);
  if (typeof value === "function") return bare({ name, function: /** @type {FunctionSource} */ (value) });
  // A URL, of whatever frame, inherits its address; an own one is a misspelt url.
  const isUrl = attempt(() => typeof value.href === "string" && !Object.prototype.hasOwnProperty.call(value, "href"));
  if (typeof value === "string" || isUrl) {
    const url = address(value);
    if (url === undefined) throw wrong("", ADDRESS);
    return bare({ name, url, init: bare({ method: "POST", credentials: SAME_ORIGIN }) });
  }
  if (!isRecord(value)) throw wrong("", sourceOf(wanted));
  const { grant } = given(value, `${name}.`);
  const read = (/** @type {string[]} */ ...known) => reader(value, `${name}.`, known);
  // LiveChat's own grants are sources of its tokens.
  const isLiveChat = wanted === "token";
  if (grant === undefined || !isLiveChat) {
    const options = read("url", "method", "headers", "credentials", "body");
    const url = options.required("url", options.url("url"), isLiveChat ? "a URL (or give grant)" : "a URL");
    const method = options.oneOf("method", ["GET", "POST"]) ?? "POST";
    const credentials = /** @type {RequestCredentials | undefined} */ (
      options.oneOf("credentials", ["omit", SAME_ORIGIN, "include"])
    );
    const body = options.text("body");
    if (method === "GET") {
      if (body !== undefined) throw wrong(".body", 'none with method "GET"');
      if (wanted === "code") throw wrong(".method", '"POST" for a new code');
    }
    if (wanted === "code" && body !== undefined && !isRecord(parse(body)?.parsed))
      throw wrong(".body", "a JSON object");
    const headers = options.option(
      "headers",
      (headers) => (typeof headers === "function" ? headers : readHeaders(headers)),
      HEADERS,
    );
    return bare({ name, url, init: bare({ method, credentials: credentials ?? SAME_ORIGIN, body, headers }) });
  }
  const own = GRANTS[/** @type {keyof typeof GRANTS} */ (grant)];
  if (!own) throw wrong(".grant", '"cookie" or "identity_token"');
  const options = read("grant", "clientId", "accountsUrl", own);
  const clientId = options.required("clientId", options.text("clientId"), TEXT);
  const accountsUrl = options.url("accountsUrl") ?? "https://accounts.livechat.com";
  return own === GRANTS.cookie
    ? bare({ name, grant, clientId, accountsUrl, redirectUri: options.text(own) })
    : bare({
        name,
        grant,
        clientId,
        accountsUrl,
        transferUrl: options.required(own, options.url(own), "the URL of the page's own service"),
      });
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
    tabs: options.oneOf("tabs", ["share"]),
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
  const options = /** @type {ReadOptions} */ ({
    ...readPartialOptions(widget, value),
    accountKey: "",
  });
  if (!options.source) {
    throw badOption("source", `one to be given: ${sourceOf(options.wanted)}`);
  }
  if (options.identity === undefined && options.cache === "session") {
    throw badOption("identity", `one to be given with a cache that outlives the page: ${IDENTITY}`);
  }
  if (options.identity === undefined && options.tabs) {
    throw badOption("identity", `one to be given where tabs share a token: ${IDENTITY}`);
  }
  widget.complete?.(options);
  options.accountKey = `${options.licenseId ?? ""}:${options.organizationId ?? ""}`;
  return options;
};
