// @ts-check
// Reads options. Every wrong one is named, with what was expected.

import { attempt, resolveUrl } from "./environment.js";
import { IdentityError, badOption } from "./error.js";
import { HEADERS, readHeaders } from "./headers.js";
import { parse } from "./json.js";
import { bare, isRecord } from "./value.js";

/** @typedef {import("../index.js").FunctionSource} FunctionSource */
/** @typedef {{name: string} & ({function: FunctionSource} | {url: string, init: import("./source.js").Init} | {grant: "cookie", clientId: string, redirectUri?: string, accountsUrl: string} | {grant: "identity_token", clientId: string, transferUrl: string, accountsUrl: string})} Source */
/** @typedef {import("./widget.js").Widget} Widget */
/** @typedef {import("./widget.js").Wanted} Wanted */
/**
 * What an option may be: how a value is read, under the name that errors call it by; undefined where it is wrong. And what is expected.
 * @typedef {[read: (value: any, name: string) => unknown, expected: string]} Kind
 */
/**
 * Options as the core takes them: complete, and right.
 * @typedef {object} ReadOptions
 * @property {import("./widget.js").WidgetName} widget
 * @property {number} number the widget's
 * @property {Source | undefined} source
 * @property {Source} [guests] the source for guests, who are not signed in
 * @property {(() => unknown) | null | undefined} identity
 * @property {string} cache
 * @property {Wanted} wanted what is wanted of the source
 * @property {string} [codeChallenge] the proof key that a code has to be bound to
 * @property {number} [licenseId]
 * @property {string | undefined} organizationId
 * @property {string} accountKey both, as part of a key
 * @property {() => IdentityError} [missing] the error for something required that is missing, if that is known only in the page
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

/** How long tokens are kept if the page does not say: a code can be redeemed only once. */
const DEFAULT_CACHE = { token: "session", jwt: "memory", code: "none" };

/** How long one attempt may take, and all of a request's, as `Policy` in `src/core/session.rs` has it. Milliseconds. */
const TIMEOUT = 10_000;
const PATIENCE = 30_000;

/**
 * A value as it is, where it passes. The kinds are said to be pure, so that bundlers leave out those that nobody reads.
 * @param {(value: any) => unknown} isRight
 * @param {string} expected
 * @returns {Kind}
 */
export const passing = (isRight, expected) => [(value) => (isRight(value) ? value : undefined), expected];
/** @param {string} type @param {string} expected */
const typed = (type, expected) => passing((value) => typeof value === type && value !== "", expected);

const TEXT = /* @__PURE__ */ typed("string", "a non-empty string");
export const CALLABLE = /* @__PURE__ */ typed("function", "a function");
export const BOOLEAN = /* @__PURE__ */ typed("boolean", "a boolean");
/** @param {string[]} choices */
export const oneOf = (...choices) => passing((value) => choices.includes(value), `"${choices.join('" or "')}"`);
/** @param {number} least */
export const milliseconds = (least) =>
  passing(
    (value) => typeof value === "number" && value >= least && value <= Number.MAX_SAFE_INTEGER,
    `a number of milliseconds, ${least} or more`,
  );
/** How the page says who is signed in. */
const IDENTITY = /* @__PURE__ */ passing(
  (value) => value === null || typeof value === "function",
  "a function that answers with the page's own user id or null, or null when nobody can be signed in",
);

/**
 * An address as the page gave it, as text or as a URL of whatever frame; undefined where it is none. Where nothing is known yet to resolve
 * a relative one by, as on a server, it is resolved when it is used.
 * @type {Kind}
 */
const ADDRESS = [
  (value) => {
    const text = typeof value === "string" ? value : value.href;
    return typeof text === "string" && text && resolveUrl(text) !== null ? text : undefined;
  },
  "a URL that this page can resolve",
];

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
 * Reads what is given; the kinds say which options there are.
 * @param {any} own
 * @param {string} prefix stands before each name in errors
 * @param {Record<string, Kind>} kinds
 * @param {string[]} required
 * @returns {any}
 */
const read = (own, prefix, kinds, required = []) => {
  const known = Object.keys(kinds);
  const options = Object.create(null);
  for (const name of [...Object.keys(own), ...required]) {
    // A misspelt option must not be ignored.
    if (!known.includes(name)) throw badOption(prefix + name, `one of ${known.join(", ")}`);
    const [reading, expected] = kinds[name];
    try {
      options[name] = own[name] === undefined ? undefined : reading(own[name], prefix + name);
    } catch (error) {
      // A field of it is wrong.
      if (error instanceof IdentityError) throw error;
    }
    if (options[name] === undefined) throw badOption(prefix + name, expected);
  }
  return options;
};

const SAME_ORIGIN = "same-origin";
/** @type {Record<string, Kind>} */
const SERVICE = {
  url: ADDRESS,
  method: /* @__PURE__ */ oneOf("GET", "POST"),
  headers: [(headers) => (typeof headers === "function" ? headers : readHeaders(headers)), HEADERS],
  credentials: /* @__PURE__ */ oneOf("omit", SAME_ORIGIN, "include"),
  body: TEXT,
};
/** LiveChat's grants: what each has alone, and whether it has to be given. @type {Record<string, [own: Record<string, Kind>, required: string[]]>} */
const GRANTS = {
  cookie: [{ redirectUri: TEXT }, []],
  identity_token: [{ transferUrl: ADDRESS }, ["transferUrl"]],
};
const GRANT = /* @__PURE__ */ oneOf("cookie", "identity_token");

/** A source of what is wanted. @param {Wanted} wanted @returns {Kind} */
export const sourceOf = (wanted) => {
  // LiveChat's own grants are sources of its tokens.
  const isLiveChat = wanted === "token";
  return [
    (value, name) => {
      if (typeof value === "function") return bare({ name, function: value });
      const prefix = `${name}.`;
      // A URL, of whatever frame, inherits its address; an own one is a misspelt url.
      const isUrl = attempt(
        () => typeof value.href === "string" && !Object.prototype.hasOwnProperty.call(value, "href"),
      );
      if (typeof value === "string" || isUrl) {
        const url = ADDRESS[0](value, name);
        return url && bare({ name, url, init: bare({ method: "POST", credentials: SAME_ORIGIN }) });
      }
      if (!isRecord(value)) return undefined;
      const own = given(value, prefix);
      if (isLiveChat && own.grant !== undefined) {
        const [alone, required] = GRANTS[String(GRANT[0](own.grant, name))] ?? [];
        const kinds = { grant: GRANT, clientId: TEXT, accountsUrl: ADDRESS, ...alone };
        const options = read(own, prefix, kinds, ["clientId", ...(required ?? [])]);
        return bare({ accountsUrl: "https://accounts.livechat.com", ...options, name });
      }
      const { url, ...init } = read(own, prefix, SERVICE, ["url"]);
      const { method = "POST", body, credentials = SAME_ORIGIN } = init;
      if (method === "GET" && body !== undefined) throw badOption(`${prefix}body`, 'none with method "GET"');
      if (wanted === "code") {
        if (method === "GET") throw badOption(`${prefix}method`, '"POST" for a new code');
        if (body !== undefined && !isRecord(parse(body)?.parsed)) throw badOption(`${prefix}body`, "a JSON object");
      }
      return bare({ name, url, init: bare({ ...init, method, credentials }) });
    },
    `a function, a URL, or an object with url${isLiveChat ? " or grant" : ""}`,
  ];
};

/**
 * Options of which any may be missing; only those that are given have to be right.
 * @param {Widget} widget
 * @param {any} value
 * @returns {Partial<ReadOptions> & Pick<ReadOptions, "widget" | "number" | "wanted">}
 */
export const readPartialOptions = (widget, value) => {
  if (!isRecord(value)) throw badOption("options", "an object");
  const own = given(value);
  const wanted = widget.wanted(own);
  return {
    ...read(own, "", {
      source: sourceOf(wanted),
      identity: IDENTITY,
      cache: wanted === "code" ? oneOf(DEFAULT_CACHE.code) : oneOf(...CACHES),
      margin: milliseconds(0),
      refreshAhead: milliseconds(0),
      timeout: milliseconds(1),
      patience: milliseconds(0),
      tabs: oneOf("share"),
      onEvent: CALLABLE,
      organizationId: TEXT,
      ...widget.own,
    }),
    widget: widget.name,
    number: widget.number,
    wanted,
  };
};

/**
 * Complete options of a widget.
 * @param {Widget} widget
 * @param {any} value
 * @returns {ReadOptions}
 */
export const readOptions = (widget, value) => {
  const given = readPartialOptions(widget, value);
  const options = /** @type {ReadOptions} */ ({
    cache: DEFAULT_CACHE[given.wanted],
    refreshAhead: 0,
    timeout: TIMEOUT,
    patience: PATIENCE,
    ...given,
  });
  if (!options.source) throw badOption("source", `one to be given: ${sourceOf(options.wanted)[1]}`);
  if (options.identity === undefined && options.cache === "session") {
    throw badOption("identity", `one to be given with a cache that outlives the page: ${IDENTITY[1]}`);
  }
  if (options.identity === undefined && options.tabs) {
    throw badOption("identity", `one to be given where tabs share a token: ${IDENTITY}`);
  }
  widget.complete?.(options);
  options.accountKey = `${options.licenseId ?? ""}:${options.organizationId ?? ""}`;
  return options;
};
