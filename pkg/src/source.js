// @ts-check
// The four kinds of source: a function, the page's own service, LiveChat's cookie grant and its identity_token grant.
// What came of asking is handed to the core as it is; what it means, the core decides.

import { Promise, abortController } from "./environment.js";
import { IdentityError } from "./error.js";
import { identityOf } from "./identity.js";
import { parse } from "./json.js";
import { isRecord } from "./kind.js";
import { readable } from "./token.js";

/**
 * What came of asking a source once.
 * @typedef {object} Outcome
 * @property {boolean} ok whether there is an answer
 * @property {unknown} [answer] what the core reads of what the source answered with
 * @property {number} [kind] what the answer is, by `kindOf`
 * @property {unknown} [handedOn] what a code is handed on as
 * @property {unknown} [cause] what it failed with
 * @property {string} [found] what stood where JSON was expected
 * @property {number} [status] the HTTP status
 * @property {number} [retryAfter] milliseconds until the next try is welcome
 * @property {boolean} [retryable] whether the failure says of itself that it may pass
 * @property {boolean} [network] whether the network failed
 * @property {string} [code] the code of an IdentityError
 * @property {string} [message] its message
 * @property {string} [identityException] LiveChat's name for the failure
 * @property {string} [oauthException] LiveChat's name for the failure
 */
/** @typedef {{licenseId?: number, organizationId?: string}} Account */
/** A running attempt: its outcome never rejects. @typedef {{outcome: Promise<Outcome>, abort: () => void}} Asking */

/** How the TypeErrors begin that Chromium, Firefox, WebKit and Node throw when the network fails; other TypeErrors are programming errors. */
const networkErrors = /^(Failed to fetch|NetworkError|Load failed|network error|Error in input stream|The network connection was lost|fetch failed)/;

/** @param {unknown} value */
const natural = (value) => (typeof value === "number" && value >= 0 && value < Infinity ? value : undefined);

/**
 * What a function source failed with: an IdentityError keeps its code; `status`, `retryable` and `retryAfter` of any other error count.
 * @param {any} cause
 * @returns {Outcome}
 */
const failed = (cause) => {
  const fields = Object(cause);
  const isIdentityError = cause instanceof IdentityError;
  return {
    ok: false,
    cause,
    status: natural(fields.status),
    retryAfter: natural(fields.retryAfter),
    retryable: fields.retryable === true,
    network: cause instanceof TypeError && networkErrors.test(cause.message),
    code: isIdentityError ? String(cause.code) : undefined,
    message: isIdentityError ? String(cause.message) : undefined,
  };
};

/** Retry-After (RFC 9110, section 10.2.3), a number of seconds or a date, in milliseconds from now. @param {string | null} header */
const readRetryAfter = (header) => {
  if (!header) return undefined;
  const milliseconds = /^\s*\d+\s*$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(milliseconds) ? Math.max(milliseconds, 0) : undefined;
};

/** The name of an exception, and nothing that could hold a secret. @param {unknown} name */
const exceptionName = (name) => (typeof name === "string" && /^[a-z_]{1,40}$/.test(name) ? name : undefined);

/**
 * How the caches between here and the service are to be used. A fresh token says `Cache-Control: no-cache`, by which a service that keeps
 * tokens knows to get a new one; a first token must not say it, or every page load would cost the service a request. An answer to a GET
 * must not be kept, or the browser's cache would hand one person's token to the next.
 * @param {RequestInit} init
 * @param {string} reason
 * @returns {RequestCache}
 */
const cacheMode = ({ method }, reason) => (method === "GET" ? "no-store" : reason === "get" ? "default" : "reload");

/**
 * Asks a service over HTTP. Neither the body nor a part of it gets into an error.
 * @param {string} url
 * @param {RequestInit} init
 * @param {boolean} [takesText] whether the answer may be bare text
 * @returns {Promise<Outcome>}
 */
const askService = async (url, init, takesText) => {
  try {
    const response = await fetch(url, init);
    const text = await response.text();
    const json = parse(text);
    if (!response.ok) {
      const fields = Object(json?.parsed);
      return {
        ok: false,
        status: response.status,
        retryAfter: readRetryAfter(response.headers.get("retry-after")),
        identityException: exceptionName(fields.identity_exception),
        oauthException: exceptionName(fields.oauth_exception),
      };
    }
    const isText = takesText && !/json/i.test(response.headers.get("content-type") ?? "");
    // A code of digits alone would be a number.
    if (json && (!isText || isRecord(json.parsed))) return { ok: true, answer: json.parsed };
    const body = text.trim();
    if (isText && body && !body.startsWith("<")) return { ok: true, answer: body };
    return { ok: false, found: body === "" ? "empty" : body.startsWith("<") ? "HTML" : "no JSON" };
  } catch (cause) {
    // Whatever kept it from being answered: a body that breaks off rejects with other errors than fetch.
    return { ok: false, cause, network: true };
  }
};

/**
 * Asks LiveChat's accounts: version 2 knows organizations, version 1 licences. A text body without headers needs no CORS preflight.
 * Document: LiveChat, "Customer authorization flows".
 * @param {{accountsUrl: string, clientId: string, grant: string}} source
 * @param {Account} account
 * @param {object} fields
 * @param {RequestInit} init
 */
const askAccounts = ({ accountsUrl, clientId, grant }, { licenseId, organizationId }, fields, init) =>
  askService(`${accountsUrl.replace(/\/+$/, "")}${organizationId ? "/v2" : ""}/customer/token`, {
    ...init,
    method: "POST",
    body: JSON.stringify({
      grant_type: grant,
      client_id: clientId,
      response_type: "token",
      ...(organizationId ? { organization_id: organizationId } : { license_id: licenseId }),
      ...fields,
    }),
  });

/** @param {Uint8Array<ArrayBuffer>} bytes */
const base64url = (bytes) => btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

/**
 * The identity_token grant: the page's own service starts an identity transfer, bound to a proof key (RFC 7636, S256).
 * @param {Extract<import("./options.js").Source, {grant: "identity_token"}>} source
 * @param {Account} account
 * @param {AbortSignal} signal
 * @returns {Promise<Outcome>}
 */
const askByTransfer = async (source, account, signal) => {
  const verifier = base64url(crypto.getRandomValues(new Uint8Array(32)));
  const challenge = base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))));
  const transfer = await askService(source.transferUrl, {
    signal,
    method: "POST",
    credentials: "same-origin",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ code_challenge: challenge }),
  });
  if (!transfer.ok) return transfer;
  const code = Object(transfer.answer).identity_transfer_token;
  if (typeof code !== "string" || !code) {
    return failed(new IdentityError("BAD_ANSWER", "the answer's identity_transfer_token is no non-empty string"));
  }
  return askAccounts(source, account, { code, code_verifier: verifier }, { signal, credentials: "omit" });
};

/**
 * A request for a code tells the service which proof key to bind it to.
 * @param {RequestInit} init
 * @param {string | undefined} codeChallenge
 * @returns {RequestInit}
 */
const withChallenge = (init, codeChallenge) => {
  if (codeChallenge === undefined) return init;
  const headers = new Headers(init.headers);
  if (!headers.has("content-type")) headers.set("content-type", "application/json");
  const body = init.body ? parse(String(init.body))?.parsed : {};
  return { ...init, headers, body: JSON.stringify({ ...body, code_challenge: codeChallenge }) };
};

/**
 * Asks a source once; never rejects.
 * @param {import("./options.js").ReadOptions} options
 * @param {AbortSignal} signal
 * @param {string | null} identity
 * @param {string} reason
 * @returns {Promise<Outcome>}
 */
const askOnce = async (options, signal, identity, reason) => {
  const source = /** @type {import("./options.js").Source} */ (options.source);
  const { codeChallenge } = options;
  try {
    if ("function" in source) {
      const request = {
        signal,
        identity,
        reason: /** @type {import("../index.js").RequestReason} */ (reason),
        ...(codeChallenge === undefined ? {} : { codeChallenge }),
      };
      return { ok: true, answer: await (0, source.function)(request) };
    }
    if ("url" in source) {
      const init = { ...withChallenge(source.init, codeChallenge), signal, cache: cacheMode(source.init, reason) };
      return await askService(source.url, init, options.widget !== "livechat");
    }
    if (source.grant === "identity_token") return await askByTransfer(source, options, signal);
    const redirect_uri = source.redirectUri ?? globalThis.location?.origin + globalThis.location?.pathname;
    return await askAccounts(source, options, { redirect_uri }, { signal, credentials: "include" });
  } catch (cause) {
    return failed(cause);
  }
};

/**
 * Asks a source once, soon: the core has to be done with what it is doing first, for a source may call back at once. What comes of it is
 * nothing of the page's any more.
 * @param {import("./options.js").ReadOptions} options
 * @param {string | undefined} identity as the core was told it
 * @param {string} reason
 * @returns {Asking}
 */
export const asker = (options, identity, reason) => {
  const { signal, abort } = abortController();
  const wanted = options.widget === "livechat" ? "token" : options.flow === "code" ? "code" : "jwt";
  const run = async () => {
    /** @type {Outcome} */
    const outcome = signal.aborted ? { ok: false } : await askOnce(options, signal, identityOf(identity), reason);
    return outcome.ok ? { ...outcome, ...readable(outcome.answer, wanted) } : outcome;
  };
  return { outcome: Promise.resolve().then(run), abort };
};
