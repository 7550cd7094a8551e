// @ts-check
// The four kinds of source: a function, the page's own service, LiveChat's cookie grant and its identity_token grant.
// The result of asking goes to the core as it is; what it means, the core decides.

import {
  Promise,
  abortController,
  attempt,
  base64url,
  complainOnce,
  global,
  pageAddress,
  randomBytes,
  resolveUrl,
  sha256,
  TextEncoder,
} from "./environment.js";
import { IdentityError, badOption } from "./error.js";
import { identityOf } from "./identity.js";
import { HEADERS, pairsOf, readHeaders } from "./headers.js";
import { parse } from "./json.js";
import { bare, isRecord, ownFields } from "./value.js";
import { factsOf, retryAfterOf } from "./thrown.js";
import { readable } from "./token.js";

/**
 * The result of asking a source once: an answer, or the facts by which the core decides what the failure means.
 * @typedef {object} Outcome
 * @property {boolean} ok whether there is an answer
 * @property {unknown} [answer] what the core reads of what the source answered with
 * @property {number} [type] of what type the answer is, by `typeOf`
 * @property {unknown} [handedOn] what a code is handed on as
 * @property {unknown} [cause] what it failed with
 * @property {string} [found] what stood where JSON was expected
 * @property {number} [status] the HTTP status
 * @property {number} [retryAfter] milliseconds until the next try is welcome
 * @property {boolean} [retryable] whether the failure says of itself that it may pass
 * @property {boolean} [redirected] whether another address answered than the one that was asked
 * @property {boolean} [timedOut] whether a client gave up waiting
 * @property {boolean} [network] whether the network failed, or there is none
 * @property {boolean} [mistaken] whether the failure is a programming error
 * @property {boolean} [unclear] whether it is a TypeError of which no more is known
 * @property {string} [code] the code of an IdentityError
 * @property {string} [message] its message
 * @property {string} [identityException] LiveChat's name for the failure
 * @property {string} [oauthException] LiveChat's name for the failure
 */
/** @typedef {{licenseId?: number, organizationId?: string}} Account */
/** A running attempt: its outcome never rejects. @typedef {{outcome: Promise<Outcome>, abort: () => void}} Asking */
/** How a service is asked. @typedef {Omit<RequestInit, "headers"> & {headers?: any}} Init */

/** The name of an exception; anything else could hold a secret. @param {unknown} name */
const exceptionName = (name) => (typeof name === "string" && /^[a-z_]{1,40}$/.test(name) ? name : undefined);

/**
 * How to use the caches between here and the service. A fresh token says `Cache-Control: no-cache`, by which a service that keeps
 * tokens knows to get a new one; a first token must not say it, or every page load would cost the service a request. An answer to a GET
 * must not be kept, or the browser's cache would hand one person's token to the next.
 * @param {Init} init
 * @param {string} reason
 * @returns {RequestCache}
 */
const cacheMode = ({ method }, reason) => (method === "GET" ? "no-store" : reason === "get" ? "default" : "reload");

/** The content type of our bodies. Without it, SvelteKit and others take a request for a form, and refuse it. */
const JSON_BODY = { "content-type": "application/json" };

/** Where a service is; a relative address can be resolved now, if ever. @param {string} url @param {string} name of the option */
const at = (url, name) => {
  const resolved = resolveUrl(url);
  if (!resolved || !/^https?:/.test(resolved)) {
    // Where the page's own URL is missing, fetch resolves the address itself.
    if (resolved && typeof global("document") === "object") return resolved;
    throw badOption(name, "an absolute URL: outside of a page there is nothing to resolve it by");
  }
  return resolved;
};

/** The page's headers, and those of ours that the page does not set itself. @param {any} given @param {Record<string, string>} ours */
const withHeaders = (given, ours) => {
  const pairs = pairsOf(given);
  const names = pairs.map(([name]) => name.toLowerCase());
  return Object.fromEntries([...pairs, ...Object.entries(ours).filter(([name]) => !names.includes(name))]);
};

/**
 * The page's header with which no request can be made. About that, fetch says no more than about a failing network.
 * @param {string | undefined} option the name of the option that asks
 * @param {string} url
 * @param {Init} init
 */
const wrongHeader = (option, url, { method, headers }) => {
  const Request = global("Request");
  const isPossible = (/** @type {any} */ headers) => attempt(() => new Request(url, { method, headers })) !== undefined;
  const name = isPossible({}) ? Object.keys(headers).find((name) => !isPossible({ [name]: headers[name] })) : undefined;
  return name === undefined ? undefined : badOption(`${option}.headers.${name}`, "a name and a value that HTTP allows");
};

/** Services that could not be reached the last time, each by the object that names it. @type {WeakSet<object>} */
const unreached = new WeakSet();

/** An answer's text; the stubs in applications' tests mostly have `json` only. @param {any} response @returns {Promise<string>} */
const textOf = async (response) => (response.text ? response.text() : JSON.stringify(await response.json()));

/**
 * Asks a service over HTTP. No part of the body gets into an error.
 * @param {{name?: string}} service what names it
 * @param {string} url
 * @param {Init} init
 * @param {boolean} [takesText] whether the answer may be bare text
 * @returns {Promise<Outcome>}
 */
const askService = async (service, url, init, takesText) => {
  // fetch reads inherited fields, too.
  const request = bare({
    ...init,
    headers: withHeaders(init.headers, {
      accept: takesText ? "application/json, application/jwt, text/plain" : "application/json",
    }),
  });
  // fetch may not accept a signal that the page's own AbortController made. The core ignores an attempt that it stopped anyway.
  const Request = global("Request");
  if (typeof Request === "function" && !attempt(() => new Request(url, { signal: init.signal }))) delete request.signal;
  // Called without an object: browsers refuse their own functions as methods of anything but the window.
  const fetch = global("fetch");
  if (typeof fetch !== "function")
    return factsOf(new IdentityError("NETWORK", "this page has no fetch: give a function as source"));
  let found;
  try {
    // A redirect to another origin, where people sign in, looks like a failing network: `src/core/outcome.rs` says how it is told.
    let response = await fetch(url, unreached.has(service) ? bare({ ...request, redirect: "manual" }) : request);
    if (response.type === "opaqueredirect") {
      found = "a redirect";
      response = await fetch(url, request);
      found = undefined;
    }
    const { ok, status } = response;
    // If it failed, the status says enough.
    const text = ok ? await textOf(response) : await textOf(response).catch(() => "");
    unreached.delete(service);
    const json = parse(text);
    if (!ok) {
      const fields = ownFields(json?.parsed, ["identity_exception", "oauth_exception"]);
      return {
        ok,
        status,
        network: !status,
        retryAfter: retryAfterOf(response),
        identityException: exceptionName(fields.identity_exception),
        oauthException: exceptionName(fields.oauth_exception),
      };
    }
    const type = attempt(() => response.headers.get("content-type")) ?? "";
    const isText = takesText && !/json/i.test(type);
    // A code of digits alone would be a number.
    if (json && (!isText || isRecord(json.parsed))) return { ok, answer: json.parsed };
    const body = text.trim();
    const isHtml = body.startsWith("<");
    if (takesText && !isHtml && (isText || !body)) return { ok, answer: body };
    found = !body
      ? "empty"
      : /<input[^>]+type=["']?password/i.test(body)
        ? "a sign-in page"
        : isHtml
          ? "HTML"
          : "no JSON";
    // Browsers and polyfills that do not say `redirected` name the address.
    return {
      ok: false,
      found,
      redirected: response.redirected ?? (response.url && response.url !== url.split("#")[0]),
    };
  } catch (cause) {
    // For any reason: a body that breaks off rejects with other errors than fetch.
    unreached.add(service);
    const mistake = wrongHeader(service.name, url, request);
    return mistake ? factsOf(mistake) : { ...factsOf(cause), mistaken: false, network: true, found };
  }
};

/**
 * Asks LiveChat's accounts: version 2 knows organizations, version 1 licences. A text body without headers needs no CORS preflight.
 * Document: LiveChat, "Customer authorization flows".
 * @param {{name: string, accountsUrl: string, clientId: string, grant: string}} source
 * @param {Account} account
 * @param {object} fields
 * @param {Init} init
 */
const askAccounts = ({ name, accountsUrl, clientId, grant }, { licenseId, organizationId }, fields, init) =>
  askService(
    {},
    `${at(accountsUrl, `${name}.accountsUrl`).replace(/\/+$/, "")}${organizationId ? "/v2" : ""}/customer/token`,
    {
      ...init,
      headers: undefined,
      method: "POST",
      body: JSON.stringify({
        grant_type: grant,
        client_id: clientId,
        response_type: "token",
        ...(organizationId ? { organization_id: organizationId } : { license_id: licenseId }),
        ...fields,
      }),
    },
  );

/**
 * The identity_token grant: the page's own service starts an identity transfer, bound to a proof key (RFC 7636, S256).
 * @param {Extract<import("./options.js").Source, {grant: "identity_token"}>} source
 * @param {Account} account
 * @param {AbortSignal | null} signal
 * @returns {Promise<Outcome>}
 */
const askByTransfer = async (source, account, signal) => {
  const random = randomBytes(32);
  const verifier = random && base64url(random);
  const digest = verifier && (await sha256(new TextEncoder().encode(verifier)));
  if (!digest)
    throw badOption(
      `${source.name}.grant`,
      'a page over HTTPS or on localhost for "identity_token": elsewhere a browser makes no proof key',
    );
  const transfer = await askService(source, at(source.transferUrl, `${source.name}.transferUrl`), {
    signal,
    method: "POST",
    credentials: "same-origin",
    headers: JSON_BODY,
    body: JSON.stringify({ code_challenge: base64url(new Uint8Array(digest)) }),
  });
  if (!transfer.ok) return transfer;
  const code = ownFields(transfer.answer, ["identity_transfer_token"]).identity_transfer_token;
  if (typeof code !== "string" || !code) {
    throw new IdentityError("BAD_ANSWER", "the answer's identity_transfer_token is no non-empty string");
  }
  return askAccounts(source, account, { code, code_verifier: verifier }, { signal, credentials: "omit" });
};

/**
 * A request for a code tells the service which proof key to bind it to.
 * @param {Init} init
 * @param {string | undefined} codeChallenge
 * @returns {Init}
 */
const withChallenge = (init, codeChallenge) => {
  if (codeChallenge === undefined) return init;
  const body = init.body ? parse(String(init.body))?.parsed : {};
  return {
    ...init,
    headers: withHeaders(init.headers, JSON_BODY),
    body: JSON.stringify({ ...body, code_challenge: codeChallenge }),
  };
};

/**
 * Asks a source once; never rejects.
 * @param {import("./options.js").ReadOptions} options
 * @param {{signal: AbortSignal, isNative: boolean}} controller
 * @param {string | null} identity
 * @param {string} reason
 * @returns {Promise<Outcome>}
 */
const askOnce = async (options, { signal, isNative }, identity, reason) => {
  // A guest, who is not signed in, has a source of its own if the page gives one.
  const source = /** @type {import("./options.js").Source} */ (
    identity === null && options.guests ? options.guests : options.source
  );
  const { codeChallenge } = options;
  const fetchSignal = isNative ? signal : null;
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
      const { method, headers } = source.init;
      // A bearer token or a CSRF token may be another one at each attempt.
      const given = typeof headers === "function" ? readHeaders(await headers()) : headers;
      if (headers && !given) throw badOption(`${source.name}.headers`, HEADERS);
      const init = withChallenge(
        { ...source.init, headers: withHeaders(given, method === "POST" ? JSON_BODY : {}) },
        codeChallenge,
      );
      const takesText = options.wanted !== "token";
      return await askService(
        source,
        at(source.url, source.name),
        { ...init, signal: fetchSignal, cache: cacheMode(init, reason) },
        takesText,
      );
    }
    if (source.grant === "identity_token") return await askByTransfer(source, options, fetchSignal);
    return await askAccounts(
      source,
      options,
      { redirect_uri: source.redirectUri ?? pageAddress() },
      { signal: fetchSignal, credentials: "include" },
    );
  } catch (cause) {
    return factsOf(cause);
  }
};

/** What engines say about a mistake in a program, up to where they quote it: the words of any other error may hold a secret. */
const SAFE_WORDS =
  /^[\w.$ (){}]+ is (not (defined|a function|a constructor|iterable|an object)|undefined|null)|^(Cannot|can't) [a-z ]+/;

/**
 * Tells the page's developer of a mistake in the console: a widget that swallows rejections would hide it.
 * @param {Outcome} failure
 */
const sayMistake = ({ cause, code, mistaken, unclear, network, timedOut }) => {
  if (code || !(mistaken || (unclear && !network && !timedOut))) return;
  const { name, message: words } = /** @type {any} */ (Object(cause));
  complainOnce(`the function given as source failed: ${name}: ${SAFE_WORDS.exec(words)?.[0] ?? "see cause"}`);
};

/**
 * Asks a source once, but not at once: the core must first finish what it is doing, because a source may call back immediately. The result
 * holds none of the page's own objects.
 * @param {import("./options.js").ReadOptions} options
 * @param {string | undefined} identity as the core was told it
 * @param {string} reason
 * @returns {Asking}
 */
export const asker = (options, identity, reason) => {
  const controller = abortController();
  const { signal, abort } = controller;
  const run = async () => {
    /** @type {Outcome} */
    const outcome = signal.aborted ? { ok: false } : await askOnce(options, controller, identityOf(identity), reason);
    if (outcome.ok) return { ...outcome, ...readable(outcome.answer, options.wanted) };
    if (!signal.aborted) attempt(() => sayMistake(outcome));
    return outcome;
  };
  return { outcome: Promise.resolve().then(run), abort };
};
