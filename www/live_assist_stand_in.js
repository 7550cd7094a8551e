// A stand-in for Live Assist's web SDK: this is not Live Assist's code. It keeps what its documents say: a method of the page is called by
// name for a JWT (implicit flow) or an authorization code (code flow), again when the JWT expires; who has neither gets the offline survey.
// Documents: Live Assist, "Authenticated Chats" and "Sign-on flows"; LivePerson, "Detailed API" for the code flow's object and its proof key.
// The part of Live Assist's service, which redeems codes with a client secret, is played by the demo's site: a browser must not know it.

import { checkToken } from "./token_check.js";

/** A timer cannot wait for longer. Milliseconds. */
const LONGEST_TIMER = 2 ** 31 - 1;

const post = async (path, body) => {
  const response = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    credentials: "omit",
    cache: "no-store",
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.detail ?? `the stand-in's service answered ${response.status}`);
  return answer;
};

/**
 * The engagement on the page. `methodName`, `flow` (`"implicit"`, `"code"` or `"code_with_proof_key"`), `keyUrl` and `issuer` are what its
 * administrator configured; `isShortLived` tells the stand-in's service which of the site's token endpoints to ask. `report` is told what happens,
 * but never a token or code: `{type: "asking" | "answered" | "read" | "refused" | "chatting" | "refreshed" | "survey" | "stopped" | "ended" |
 * "redeemed_again", …}`.
 */
export const createLiveAssistStandIn = ({ methodName, flow, isShortLived, keyUrl, issuer, report }) => {
  /** Counts up with each conversation, so that an answer for one that ended is not listened to. */
  let conversation = 0;
  /** Whom the conversation is with; null while there is none. @type {string | null} */
  let contact = null;
  let isAsking = false;
  let expiry;
  /** The last code and what it belongs to, for the replay that the page offers. @type {object | null} */
  let lastRedemption = null;

  const keyFor = async () => {
    const response = await fetch(keyUrl, { cache: "no-store", credentials: "omit" });
    if (!response.ok) throw new Error("the published key cannot be read");
    return (await response.text()).trim();
  };

  /** What the page's method calls back with, by position. */
  const ask = (codeChallenge) =>
    new Promise((resolve, reject) => {
      const method = /** @type {any} */ (window)[methodName];
      if (typeof method !== "function") throw new Error(`the page has no function ${methodName}`);
      let answers = 0;
      report({ type: "asking", withChallenge: codeChallenge !== undefined });
      const callback = (given, reason) => {
        answers += 1;
        const isGiven = typeof given === "string" ? given !== "" : typeof given?.ssoKey === "string";
        report({ type: "answered", answers, withToken: isGiven });
        if (isGiven) resolve(given);
        else reject(new Error(reason ?? "no reason was given"));
      };
      if (codeChallenge === undefined) method(callback);
      else method(callback, codeChallenge);
    });

  const redeem = (redemption) => post("/stand-in/live-assist/redeem", redemption);

  /** Header and claims of the JWT, by whichever flow. */
  const authenticate = async () => {
    if (flow === "implicit") return checkToken(await ask(), { keyFor, issuer });
    const engagement = await post("/stand-in/live-assist/engagement", {
      proof_key: flow === "code_with_proof_key",
      short_lived: isShortLived,
    });
    const given = await ask(engagement.code_challenge);
    const { ssoKey, redirect_uri } = typeof given === "string" ? { ssoKey: given } : given;
    lastRedemption = {
      engagement: engagement.engagement,
      code: ssoKey,
      ...(redirect_uri !== undefined && { redirect_uri }),
    };
    return redeem(lastRedemption);
  };

  const waitForExpiry = (mine, exp) => {
    clearTimeout(expiry);
    const left = exp * 1000 - Date.now();
    expiry = setTimeout(
      () => void (left > LONGEST_TIMER ? waitForExpiry(mine, exp) : refresh(mine)),
      Math.min(Math.max(left, 0), LONGEST_TIMER),
    );
  };

  const take = (mine, { header, claims }) => {
    report({ type: "read", header, claims });
    waitForExpiry(mine, claims.exp);
  };

  const stop = (why) => {
    conversation += 1;
    clearTimeout(expiry);
    contact = null;
    report({ type: "stopped", why });
  };

  /** Upon expiry of the JWT the page is asked for a refreshed one; without it, or with somebody else's, the conversation ends. */
  const refresh = async (mine) => {
    report({ type: "expired" });
    try {
      const read = await authenticate();
      if (mine !== conversation) return;
      if (read.claims.sub !== contact) return stop("the refreshed JWT is another contact's");
      take(mine, read);
      report({ type: "refreshed" });
    } catch (error) {
      if (mine === conversation) stop(error.message);
    }
  };

  const startConversation = async () => {
    if (contact !== null) return;
    const mine = ++conversation;
    isAsking = true;
    try {
      const read = await authenticate();
      if (mine !== conversation) return;
      contact = read.claims.sub;
      take(mine, read);
      report({ type: "chatting", contact, claims: read.claims });
    } catch (error) {
      if (mine !== conversation) return;
      if (error.claims) report({ type: "refused", header: error.header, claims: error.claims, why: error.message });
      report({ type: "survey", why: error.message });
    } finally {
      if (mine === conversation) isAsking = false;
    }
  };

  const endConversation = () => {
    const wasOpen = contact !== null || isAsking;
    conversation += 1;
    clearTimeout(expiry);
    contact = null;
    isAsking = false;
    lastRedemption = null;
    if (wasOpen) report({ type: "ended" });
  };

  /** Presents the last code once more, as a thief would who had seen it. */
  const redeemAgain = async () => {
    if (lastRedemption === null) return;
    try {
      await redeem(lastRedemption);
      report({ type: "redeemed_again", why: null });
    } catch (error) {
      report({ type: "redeemed_again", why: error.message });
    }
  };

  return { startConversation, endConversation, redeemAgain };
};
