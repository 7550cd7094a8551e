// @ts-check
// How options are read: every wrong one is named, with what was expected of it.

import { badOption } from "./error.js";
import { parse } from "./json.js";
import { isRecord } from "./kind.js";
import { asker } from "./source.js";

/** @typedef {import("../index.js").FunctionSource} FunctionSource */
/** @typedef {{function: FunctionSource} | {url: string, init: RequestInit} | {grant: "cookie", clientId: string, redirectUri?: string, accountsUrl: string} | {grant: "identity_token", clientId: string, transferUrl: string, accountsUrl: string}} Source */
/** @typedef {import("../index.js").WidgetName} WidgetName */
/**
 * Options as the core takes them: complete, and right.
 * @typedef {object} ReadOptions
 * @property {WidgetName} widget
 * @property {Source | undefined} source
 * @property {(() => unknown) | null | undefined} identity
 * @property {string} cache
 * @property {string | undefined} flow Live Assist's
 * @property {string | undefined} codeChallenge the proof key that a code has to be bound to
 * @property {number | undefined} licenseId
 * @property {string | undefined} organizationId
 * @property {string} account both, as part of a key
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

const LIVECHAT_ACCOUNTS = "https://accounts.livechat.com";

/** What is given of an object's own properties: an explicit undefined is not. @template {object} T @param {T} object @returns {T} */
export const given = (object) => /** @type {any} */ (Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)));

/**
 * Reads the options of one object; `prefix` stands before each name in errors.
 * @param {any} object
 * @param {string} prefix
 * @param {string[]} known
 */
const reader = (object, prefix, known) => {
  for (const name of Object.keys(given(object))) {
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
    const value = object[name];
    if (value === undefined) return undefined;
    const right = read(value);
    if (right === undefined) throw badOption(prefix + name, expected);
    return right;
  };
  /** @param {string} name */
  const text = (name) => option(name, (value) => (typeof value === "string" && value ? value : undefined), "a non-empty string");
  /** @param {string} name */
  const url = (name) => option(name, absolute, "a URL that this page can resolve");
  /** @param {string} name @param {string[]} choices */
  const oneOf = (name, choices) =>
    option(name, (value) => (choices.includes(value) ? /** @type {string} */ (value) : undefined), `"${choices.join('" or "')}"`);
  return {
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
        (value) => (typeof value === "number" && value >= least && value <= Number.MAX_SAFE_INTEGER ? value : undefined),
        least ? "a positive number of milliseconds" : "a number of milliseconds, 0 or more",
      ),
  };
};

/** @param {unknown} value */
const absolute = (value) => {
  if (!(value instanceof URL) && (typeof value !== "string" || value === "")) return undefined;
  try {
    const url = new URL(value, globalThis.document?.baseURI ?? globalThis.location?.href);
    return /^https?:$/.test(url.protocol) ? url.href : undefined;
  } catch {
    return undefined;
  }
};

/**
 * @param {unknown} value
 * @param {boolean} isLiveChat whether LiveChat's own grants are sources
 * @param {boolean} isCodeFlow
 * @returns {Source}
 */
const readSource = (value, isLiveChat, isCodeFlow) => {
  if (typeof value === "function") return { function: /** @type {FunctionSource} */ (value) };
  if (typeof value === "string" || value instanceof URL) {
    const url = absolute(value);
    if (url === undefined) throw badOption("source", "a URL that this page can resolve");
    return { url, init: { method: "POST", credentials: "same-origin" } };
  }
  if (!isRecord(value)) throw badOption("source", `a function, a URL, or an object with url${isLiveChat ? " or grant" : ""}`);
  const grant = /** @type {any} */ (value).grant;
  if (grant === undefined || !isLiveChat) {
    const options = reader(value, "source.", ["url", "method", "headers", "credentials", "body"]);
    const url = options.required("url", options.url("url"), isLiveChat ? "a URL (or give grant)" : "a URL");
    const method = options.oneOf("method", ["GET", "POST"]) ?? "POST";
    const credentials = /** @type {RequestCredentials | undefined} */ (options.oneOf("credentials", ["omit", "same-origin", "include"]));
    const body = options.text("body");
    if (body !== undefined && method === "GET") throw badOption("source.body", 'none with method "GET"');
    if (isCodeFlow && method === "GET") throw badOption("source.method", '"POST" for a new code');
    if (isCodeFlow && body !== undefined && !isRecord(parse(body)?.parsed)) throw badOption("source.body", "a JSON object");
    const headers = options.option("headers", (headers) => (isTexts(headers) ? headers : undefined), "a plain object of strings");
    return { url, init: { method, credentials: credentials ?? "same-origin", body, headers } };
  }
  if (grant === "cookie") {
    const options = reader(value, "source.", ["grant", "clientId", "redirectUri", "accountsUrl"]);
    return {
      grant,
      clientId: options.required("clientId", options.text("clientId"), "a non-empty string"),
      redirectUri: options.text("redirectUri"),
      accountsUrl: options.url("accountsUrl") ?? LIVECHAT_ACCOUNTS,
    };
  }
  if (grant === "identity_token") {
    const options = reader(value, "source.", ["grant", "clientId", "transferUrl", "accountsUrl"]);
    return {
      grant,
      clientId: options.required("clientId", options.text("clientId"), "a non-empty string"),
      transferUrl: options.required("transferUrl", options.url("transferUrl"), "the URL of the page's own service"),
      accountsUrl: options.url("accountsUrl") ?? LIVECHAT_ACCOUNTS,
    };
  }
  throw badOption("source.grant", '"cookie" or "identity_token"');
};

/** @param {any} value */
const isTexts = (value) => isRecord(value) && Object.values(value).every((text) => typeof text === "string");

/** @param {unknown} value */
const license = (value) => (Number.isSafeInteger(value) && /** @type {number} */ (value) > 0 ? /** @type {number} */ (value) : undefined);

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
  options.option("startChat", (start) => (typeof start === "boolean" || isRecord(start) ? true : undefined), "a boolean, or the options of startChat");
  return {
    widget,
    flow,
    source: options.option("source", (source) => readSource(source, isLiveChat, isCodeFlow), ""),
    identity:
      value.identity === null
        ? null
        : /** @type {(() => unknown) | undefined} */ (
            options.option("identity", callable, "a function that answers with the page's own user id or null, or null when nobody can be signed in")
          ),
    cache: cache ?? (isLiveChat ? "session" : isCodeFlow ? "none" : "memory"),
    licenseId: options.option("licenseId", license, "a positive whole number"),
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

/**
 * Complete options of a widget.
 * @param {WidgetName} widget
 * @param {any} value
 * @param {string[]} own
 * @returns {ReadOptions}
 */
export const readOptions = (widget, value, own) => {
  /** @type {ReadOptions} */
  const options = { ...readPartialOptions(widget, value, own), account: "", ask: (identity, reason) => asker(options, identity, reason) };
  if (!options.source) {
    throw badOption("source", `one to be given: a function, a URL, or an object with url${widget === "livechat" ? " or grant" : ""}`);
  }
  if (options.identity === undefined && options.cache === "session") {
    throw badOption(
      "identity",
      "one to be given with a cache that outlives the page: a function that answers with the page's own user id or null, or null when nobody can be signed in",
    );
  }
  if (widget === "livechat" && options.licenseId === undefined && options.organizationId === undefined) {
    // LiveChat's own snippet names the licence on the page.
    options.licenseId = license(/** @type {any} */ (globalThis).__lc?.license);
    if (options.licenseId === undefined) {
      throw badOption("licenseId", "a licence's number, or organizationId, or window.__lc.license to be set");
    }
  }
  options.account = `${options.licenseId ?? ""}:${options.organizationId ?? ""}`;
  return options;
};
