// A stand-in for Microsoft Omnichannel's live chat widget: this is not Microsoft's code. It keeps what its document and error code reference
// say of authentication: the event lcw:ready, the SDK's methods, a provider that is asked when a chat starts and has ten seconds, lcw:error.
// Document: Microsoft, "Send authentication token"; "Error code reference for Omnichannel for Customer Service".

import { checkToken } from "./token_check.js";

/** How long the provider may take. Milliseconds. */
const PATIENCE = 10_000;
/** How long the widget's own scripts take to load. Milliseconds. */
const LOADING = 400;

/** @typedef {import("./token_check.js").Fields} Fields */

/** @typedef {2 | 3 | 4 | 8} ErrorCode */

/** What the page gives the SDK. @typedef {(callback: (token: unknown) => void) => void} Provider */

/** A token, or why there is none. @typedef {{ token: unknown } | { errorCode: ErrorCode, why: string }} Answer */

/**
 * What happens, but never a token.
 * @typedef {{ type: "ready" }
 *   | { type: "asking" }
 *   | { type: "answered", answers: number, withToken: boolean }
 *   | { type: "read", header: Fields, claims: Fields }
 *   | { type: "refused", header?: Fields, claims?: Fields, why: string }
 *   | { type: "chatting", contact: string, contexts: Fields }
 *   | { type: "failed", errorCode: ErrorCode, description: string, why: string }
 *   | { type: "closed" }} Report
 */

/** When the SDK is there. @typedef {"soon" | "at_once" | "never"} Readiness */

/** @type {Record<ErrorCode, string>} */
const ERRORS = {
  2: "Auth token provider method execution failed",
  3: "Auth token provider didn't provide any token",
  4: "Auth token provider provided invalid token",
  8: "Auth function cannot be found on webpage",
};

/** A published key is the base64 of a whole PEM file; what it holds is base64 again. @param {string} pem */
const withoutArmour = (pem) => pem.replace(/-----[A-Z ]+-----|\s/g, "");

/** @param {unknown} value */
const isPrimitive = (value) => value === null || ["string", "number", "boolean"].includes(typeof value);

/** The custom context: a text that holds a JSON object of primitive values. @param {Fields} claims @returns {Fields} */
const readContexts = ({ lwicontexts }) => {
  if (lwicontexts === undefined) return {};
  if (typeof lwicontexts !== "string") throw new Error("its lwicontexts is not serialised");
  let contexts;
  try {
    contexts = JSON.parse(lwicontexts);
  } catch {
    throw new Error("its lwicontexts is no JSON");
  }
  if (typeof contexts !== "object" || contexts === null || Array.isArray(contexts))
    throw new Error("its lwicontexts holds no object");
  const wrong = Object.keys(contexts).find((name) => !isPrimitive(contexts[name]));
  if (wrong !== undefined) throw new Error(`its context ${wrong} is no primitive value`);
  return contexts;
};

/**
 * Puts the widget on the page. `keysUrl` and `issuer` are what its administrator configured; `isAskedTwice` asks the
 * provider twice for one chat, as widgets have been seen to.
 * @param {object} settings
 * @param {string} settings.keysUrl
 * @param {string} settings.issuer
 * @param {Readiness} settings.isReady
 * @param {boolean} settings.isAskedTwice
 * @param {(report: Report) => void} settings.report
 * @returns takes it from the page
 */
export const loadOmnichannelStandIn = ({ keysUrl, issuer, isReady, isAskedTwice, report }) => {
  /** @type {Provider | null} */
  let provider = null;
  /** Counts up with each chat, so that an answer for one that was closed is not listened to. */
  let chat = 0;
  let isChatting = false;
  let isAsking = false;

  /** @param {ErrorCode} errorCode @param {string} why */
  const fail = (errorCode, why) => {
    report({ type: "failed", errorCode, description: ERRORS[errorCode], why });
    dispatchEvent(new CustomEvent("lcw:error", { detail: { errorCode, errorDescription: ERRORS[errorCode] } }));
  };

  /** @returns {Promise<Answer>} */
  const ask = () =>
    new Promise((resolve) => {
      let answers = 0;
      const timer = setTimeout(() => resolve({ errorCode: 2, why: "no answer within 10 s" }), PATIENCE);
      report({ type: "asking" });
      try {
        if (provider === null) throw new Error("the provider was removed");
        provider((token) => {
          answers += 1;
          clearTimeout(timer);
          report({ type: "answered", answers, withToken: Boolean(token) });
          resolve(token ? { token } : { errorCode: 3, why: "the callback was called without one" });
        });
      } catch (error) {
        clearTimeout(timer);
        resolve({ errorCode: 2, why: error instanceof Error ? error.name : "it threw" });
      }
    });

  /** @param {unknown} kid */
  const keyFor = async (kid) => {
    const response = await fetch(keysUrl, { cache: "no-store", credentials: "omit" });
    if (!response.ok) throw new Error("the published keys cannot be read");
    /** @type {{ kid: string, expiry: number, publicKey: string }[]} */
    const keys = await response.json();
    const found = keys.find((key) => key.kid === kid && key.expiry * 1000 > Date.now());
    return found && withoutArmour(atob(found.publicKey));
  };

  const startChat = async () => {
    if (isChatting) return;
    const mine = ++chat;
    if (provider === null) return fail(8, "no provider is set");
    isAsking = true;
    const [answer] = await Promise.all(isAskedTwice ? [ask(), ask()] : [ask()]);
    if (mine !== chat) return;
    isAsking = false;
    if ("errorCode" in answer) return fail(answer.errorCode, answer.why);
    /** @type {import("./token_check.js").ReadToken | undefined} */
    let read;
    try {
      read = await checkToken(answer.token, { keyFor, issuer });
      const contexts = readContexts(read.claims);
      if (mine !== chat) return;
      report({ type: "read", ...read });
      isChatting = true;
      report({ type: "chatting", contact: read.claims.sub, contexts });
    } catch (error) {
      if (mine !== chat) return;
      const fault = /** @type {import("./token_check.js").TokenFault} */ (error);
      const { header, claims } = read ?? fault;
      report({ type: "refused", header, claims, why: fault.message });
      fail(4, fault.message);
    }
  };

  const closeChat = () => {
    const wasOpen = isChatting || isAsking;
    chat += 1;
    isChatting = isAsking = false;
    if (wasOpen) report({ type: "closed" });
  };

  const becomeReady = () => {
    window.Microsoft = {
      Omnichannel: {
        LiveChatWidget: {
          SDK: {
            setAuthTokenProvider: (/** @type {Provider} */ given) => {
              if (typeof given !== "function") throw new TypeError("setAuthTokenProvider expects a function");
              provider = given;
            },
            getAuthTokenProvider: () => provider,
            removeAuthTokenProvider: () => {
              provider = null;
            },
            startChat,
            closeChat,
          },
        },
      },
    };
    report({ type: "ready" });
    dispatchEvent(new Event("lcw:ready"));
  };

  /** @type {number | undefined} */
  let loading;
  if (isReady === "at_once") becomeReady();
  else if (isReady === "soon") loading = setTimeout(becomeReady, LOADING);
  return () => {
    clearTimeout(loading);
    chat += 1;
    delete window.Microsoft;
  };
};
