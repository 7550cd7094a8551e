// @ts-check
// How options are read: every wrong one is named, with what was expected of it.

import { attempt, global, resolveUrl } from "./environment.js";
import { badOption } from "./error.js";
import { HEADERS, readHeaders } from "./headers.js";
import { parse } from "./json.js";
import { bare, isRecord } from "./kind.js";
import { asker } from "./source.js";

/** @typedef {import("../index.js").FunctionSource} FunctionSource */
/** @typedef {{name: string} & ({function: FunctionSource} | {url: string, init: import("./source.js").Init} | {grant: "cookie", clientId: string, redirectUri?: string, accountsUrl: string} | {grant: "identity_token", clientId: string, transferUrl: string, accountsUrl: string})} Source */
/** @typedef {import("../index.js").WidgetName} WidgetName */
/**
 * Options as the core takes them: complete, and right.
 * @typedef {object} ReadOptions
 * @property {WidgetName} widget
 * @property {Source | undefined} source
 * @property {Source | undefined} guests the source for who is not signed in
 * @property {(() => unknown) | null | undefined} identity
 * @property {string} cache
 * @property {string | undefined} flow Live Assist's
 * @property {string | undefined} codeChallenge the proof key that a code has to be bound to
 * @property {number | undefined} licenseId
 * @property {string | undefined} organizationId
 * @property {string | undefined} account both, as part of a key
 * @property {number | undefined} margin
 * @property {number} refreshAhead
 * @property {number} timeout
 * @property {number} patience
 * @property {Function | undefined} onEvent
 * @property {(identity: string | undefined, reason: string) => import("./source.js").Asking} ask asks the source once
 */

/** The widgets and the caches by the core's numbers: the order is that of `src/widget/mod.rs` and `provider.rs`. @type {WidgetName[]} */
export const WIDGETS = ["livechat", "omnichannel", "live_assist"];
export const CACHES = ["none", "memory", "session"];

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
 * @param {boolean} isLiveChat whether LiveChat's own grants are sources
 * @param {boolean} isCodeFlow
 * @returns {Source}
 */
const readSource = (value, name, isLiveChat, isCodeFlow) => {
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
    const headers = options.option("headers", (headers) => callable(headers) ?? readHeaders(headers), HEADERS);
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

/** The number of a licence, also as digits in text, as LiveChat's own snippets have it. @param {unknown} value */
const license = (value) => {
  const number = typeof value === "string" && /^[1-9]\d*$/.test(value) ? Number(value) : value;
  return Number.isSafeInteger(number) && /** @type {number} */ (number) > 0
    ? /** @type {number} */ (number)
    : undefined;
};

/** @param {unknown} value */
const callable = (value) => (typeof value === "function" ? value : undefined);

/**
 * Options of which any may be missing; only those that are given have to be right.
 * @param {WidgetName} widget
 * @param {any} value
 * @param {string[]} own the names of options that only some widgets have
 * @returns {Omit<ReadOptions, "account" | "ask">}
 */
export const readPartialOptions = (widget, value, own) => {
  if (!isRecord(value)) throw badOption("options", "an object");
  const options = reader(value, "", [
    ...["source", "identity", "cache", "margin", "refreshAhead", "timeout", "patience", "onEvent", "organizationId"],
    ...own,
  ]);
  const isLiveChat = widget === "livechat";
  const flow = options.oneOf("flow", ["implicit", "code"]);
  const isCodeFlow = flow === "code";
  // A code is for one redemption.
  const cache = options.oneOf("cache", isCodeFlow ? ["none"] : CACHES);
  options.option("signIn", callable, "a function");
  options.milliseconds("signInTimeout", 1);
  options.oneOf("failureForm", ["null", "empty_string", "empty_object"]);
  options.option("restart", (restart) => (typeof restart === "boolean" ? true : undefined), "a boolean");
  options.option("onSignOut", callable, "a function");
  options.option(
    "startChat",
    (start) => (typeof start === "boolean" || isRecord(start) ? true : undefined),
    "a boolean, or the options of startChat",
  );
  return {
    widget,
    flow,
    source:
      options.own.source === undefined ? undefined : readSource(options.own.source, "source", isLiveChat, isCodeFlow),
    guests: options.own.guests === undefined ? undefined : readSource(options.own.guests, "guests", true, false),
    identity:
      options.own.identity === null
        ? null
        : /** @type {(() => unknown) | undefined} */ (
            options.option(
              "identity",
              callable,
              "a function that answers with the page's own user id or null, or null when nobody can be signed in",
            )
          ),
    cache: cache ?? (isLiveChat ? "session" : isCodeFlow ? "none" : "memory"),
    licenseId: options.option("licenseId", license, "a positive whole number, or its digits"),
    organizationId: options.text("organizationId"),
    codeChallenge: options.option(
      "codeChallenge",
      (challenge) => (/^[\w.~-]{43,128}$/.test(challenge) ? String(challenge) : undefined),
      "43 to 128 characters of base64url",
    ),
    margin: options.milliseconds("margin", 0),
    refreshAhead: options.milliseconds("refreshAhead", 0) ?? 0,
    timeout: options.milliseconds("timeout", 1) ?? 10_000,
    patience: options.milliseconds("patience", 0) ?? 30_000,
    onEvent: options.option("onEvent", callable, "a function"),
  };
};

export const missingAccount = () =>
  badOption("licenseId", "a licence's number, or organizationId, or window.__lc.license or .organizationId to be set");

/**
 * Complete options of a widget. A server that renders the page sees nothing of LiveChat's snippet: there the account may be missing.
 * @param {WidgetName} widget
 * @param {any} value
 * @param {string[]} own
 * @returns {ReadOptions}
 */
export const readOptions = (widget, value, own) => {
  /** @type {ReadOptions} */
  const options = {
    ...readPartialOptions(widget, value, own),
    account: undefined,
    ask: (identity, reason) => asker(options, identity, reason),
  };
  if (!options.source) {
    throw badOption(
      "source",
      `one to be given: a function, a URL, or an object with url${widget === "livechat" ? " or grant" : ""}`,
    );
  }
  if (options.identity === undefined && options.cache === "session") {
    throw badOption(
      "identity",
      "one to be given with a cache that outlives the page: a function that answers with the page's own user id or null, or null when nobody can be signed in",
    );
  }
  if (widget === "livechat" && options.licenseId === undefined && options.organizationId === undefined) {
    // LiveChat's own snippet names the licence on the page, its packages the organization.
    const page = global("__lc");
    const organization = attempt(() => page.organizationId);
    options.licenseId = license(attempt(() => page.license));
    if (typeof organization === "string" && organization) options.organizationId = organization;
    if (options.licenseId === undefined && options.organizationId === undefined) {
      if (global("document")) throw missingAccount();
      return options;
    }
  }
  options.account = `${options.licenseId ?? ""}:${options.organizationId ?? ""}`;
  return options;
};
