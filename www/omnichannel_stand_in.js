// A stand-in for Microsoft Omnichannel's live chat widget: this is not Microsoft's code. It keeps what its document and error code reference
// say of authentication: the event lcw:ready, the SDK's methods, a provider that is asked when a chat starts and has ten seconds, lcw:error.
// Document: Microsoft, "Send authentication token"; "Error code reference for Omnichannel for Customer Service".

import { checkToken } from "./token_check.js";

/** How long the provider may take. Milliseconds. */
const PATIENCE = 10_000;
/** How long the widget's own scripts take to load. Milliseconds. */
const LOADING = 400;

const ERRORS = {
  2: "Auth token provider method execution failed",
  3: "Auth token provider didn't provide any token",
  4: "Auth token provider provided invalid token",
  8: "Auth function cannot be found on webpage",
};

/** A published key is the base64 of a whole PEM file; what it holds is base64 again. */
const withoutArmour = (pem) => pem.replace(/-----[A-Z ]+-----|\s/g, "");

const isPrimitive = (value) => value === null || ["string", "number", "boolean"].includes(typeof value);

/** The custom context: a text that holds a JSON object of primitive values. */
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
 * Puts the widget on the page. `keysUrl` and `issuer` are what its administrator configured. `isReady` is `"soon"`, `"at_once"` or
 * `"never"`; `isAskedTwice` asks the provider twice for one chat, as widgets have been seen to. `report` is told what happens, but never
 * a token: `{type: "ready" | "asking" | "answered" | "read" | "refused" | "chatting" | "failed" | "closed", …}`.
 * @returns takes it from the page
 */
export const loadOmnichannelStandIn = ({ keysUrl, issuer, isReady, isAskedTwice, report }) => {
  /** @type {((callback: (token: unknown) => void) => void) | null} */
  let provider = null;
  /** Counts up with each chat, so that an answer for one that was closed is not listened to. */
  let chat = 0;
  let isChatting = false;
  let isAsking = false;

  const fail = (errorCode, why) => {
    report({ type: "failed", errorCode, description: ERRORS[errorCode], why });
    dispatchEvent(new CustomEvent("lcw:error", { detail: { errorCode, errorDescription: ERRORS[errorCode] } }));
  };

  /** `{token}`, or `{errorCode, why}`. */
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

  const keyFor = async (kid) => {
    const response = await fetch(keysUrl, { cache: "no-store", credentials: "omit" });
    if (!response.ok) throw new Error("the published keys cannot be read");
    const keys = await response.json();
    const found = keys.find((key) => key.kid === kid && key.expiry * 1000 > Date.now());
    return found && withoutArmour(atob(found.publicKey));
  };

  const startChat = async () => {
    if (isChatting) return;
    const mine = ++chat;
    if (provider === null) return fail(8, "no provider is set");
    isAsking = true;
    const [{ token, errorCode, why }] = await Promise.all(isAskedTwice ? [ask(), ask()] : [ask()]);
    if (mine !== chat) return;
    isAsking = false;
    if (errorCode) return fail(errorCode, why);
    let read;
    try {
      read = await checkToken(token, { keyFor, issuer });
      const contexts = readContexts(read.claims);
      if (mine !== chat) return;
      report({ type: "read", ...read });
      isChatting = true;
      report({ type: "chatting", contact: read.claims.sub, contexts });
    } catch (error) {
      if (mine !== chat) return;
      const { header, claims } = read ?? error;
      report({ type: "refused", header, claims, why: error.message });
      fail(4, error.message);
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
            setAuthTokenProvider: (given) => {
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

  let loading;
  if (isReady === "at_once") becomeReady();
  else if (isReady === "soon") loading = setTimeout(becomeReady, LOADING);
  return () => {
    clearTimeout(loading);
    chat += 1;
    delete window.Microsoft;
  };
};
