// A stand-in for Live Assist's web SDK: this is not Live Assist's code. It keeps what its documents say: a method of the page is called by
// name for a JWT (implicit flow) or an authorization code (code flow), again when the JWT expires; who has neither gets the offline survey.
// Documents: Live Assist, "Authenticated Chats" and "Sign-on flows"; LivePerson, "Detailed API" for the code flow's object and its proof key.
// The part of Live Assist's service, which redeems codes with a client secret, is played by the demo's site: a browser must not know it.

import { messageOf } from "./thrown.js";
import { checkToken } from "./token_check.js";

/** A timer cannot wait for longer. Milliseconds. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** @typedef {import("./token_check.js").Fields} Fields */

/** How its service is configured. @typedef {"implicit" | "code" | "code_with_proof_key"} Flow */

/**
 * What the page's method gave: a JWT or a code, or a code with its address.
 * @typedef {string | { ssoKey: string, redirect_uri?: string }} Given
 */

/**
 * What happens, but never a token or code.
 * @typedef {{ type: "asking", withChallenge: boolean }
 *   | { type: "answered", answers: number, withToken: boolean }
 *   | { type: "read", header: Fields, claims: Fields }
 *   | { type: "refused", header?: Fields, claims: Fields, why: string }
 *   | { type: "chatting", claims: Fields }
 *   | { type: "expired" }
 *   | { type: "refreshed" }
 *   | { type: "stopped", why: string }
 *   | { type: "survey", why: string }
 *   | { type: "ended" }
 *   | { type: "redeemed_again", why: string | null }} Report
 */

/** @param {string} path @param {object} body @returns {Promise<any>} JSON of the service */
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
 * The engagement on the page. `methodName`, `flow`, `keyUrl` and `issuer` are what its administrator configured;
 * `isShortLived` tells the stand-in's service which of the site's token endpoints to ask.
 * @param {object} settings
 * @param {string} settings.methodName
 * @param {Flow} settings.flow
 * @param {boolean} settings.isShortLived
 * @param {string} settings.keyUrl
 * @param {string} settings.issuer
 * @param {(report: Report) => void} settings.report
 */
export const createLiveAssistStandIn = ({ methodName, flow, isShortLived, keyUrl, issuer, report }) => {
  /** Counts up with each conversation, so that an answer for one that ended is not listened to. */
  let conversation = 0;
  /** Whom the conversation is with; null while there is none. @type {string | null} */
  let contact = null;
  let isAsking = false;
  /** @type {number | undefined} */
  let expiry;
  /** The last code and what it belongs to, for the replay that the page offers. @type {object | null} */
  let lastRedemption = null;

  const keyFor = async () => {
    const response = await fetch(keyUrl, { cache: "no-store", credentials: "omit" });
    if (!response.ok) throw new Error("the published key cannot be read");
    return (await response.text()).trim();
  };

  /** What the page's method calls back with, by position. @param {string} [codeChallenge] @returns {Promise<Given>} */
  const ask = (codeChallenge) =>
    new Promise((resolve, reject) => {
      const method = /** @type {any} */ (window)[methodName];
      if (typeof method !== "function") throw new Error(`the page has no function ${methodName}`);
      let answers = 0;
      report({ type: "asking", withChallenge: codeChallenge !== undefined });
      /** Anything may be given. @param {any} given @param {string} [reason] */
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

  /** @param {object} redemption @returns {Promise<import("./token_check.js").ReadToken>} */
  const redeem = (redemption) => post("/stand-in/live-assist/redeem", redemption);

  /** Header and claims of the JWT, by whichever flow. */
  const authenticate = async () => {
    if (flow === "implicit") return checkToken(await ask(), { keyFor, issuer });
    const engagement = await post("/stand-in/live-assist/engagement", {
      proof_key: flow === "code_with_proof_key",
      short_lived: isShortLived,
    });
    const given = await ask(engagement.code_challenge);
    /** @type {{ ssoKey: string, redirect_uri?: string }} */
    const { ssoKey, redirect_uri } = typeof given === "string" ? { ssoKey: given } : given;
    lastRedemption = {
      engagement: engagement.engagement,
      code: ssoKey,
      ...(redirect_uri !== undefined && { redirect_uri }),
    };
    return redeem(lastRedemption);
  };

  /** @param {number} mine @param {number} exp */
  const waitForExpiry = (mine, exp) => {
    clearTimeout(expiry);
    const left = exp * 1000 - Date.now();
    expiry = setTimeout(
      () => void (left > LONGEST_TIMER ? waitForExpiry(mine, exp) : refresh(mine)),
      Math.min(Math.max(left, 0), LONGEST_TIMER),
    );
  };

  /** @param {number} mine @param {import("./token_check.js").ReadToken} read */
  const take = (mine, { header, claims }) => {
    report({ type: "read", header, claims });
    waitForExpiry(mine, claims.exp);
  };

  /** @param {string} why */
  const stop = (why) => {
    conversation += 1;
    clearTimeout(expiry);
    contact = null;
    report({ type: "stopped", why });
  };

  /**
   * Upon expiry of the JWT the page is asked for a refreshed one; without it, or with somebody else's, the conversation
   * ends.
   * @param {number} mine
   */
  const refresh = async (mine) => {
    report({ type: "expired" });
    try {
      const read = await authenticate();
      if (mine !== conversation) return;
      if (read.claims.sub !== contact) return stop("the refreshed JWT is another contact's");
      take(mine, read);
      report({ type: "refreshed" });
    } catch (error) {
      if (mine === conversation) stop(messageOf(error));
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
      report({ type: "chatting", claims: read.claims });
    } catch (error) {
      if (mine !== conversation) return;
      const { header, claims, message } = /** @type {import("./token_check.js").TokenFault} */ (error);
      if (claims) report({ type: "refused", header, claims, why: message });
      report({ type: "survey", why: message });
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
      report({ type: "redeemed_again", why: messageOf(error) });
    }
  };

  return { startConversation, endConversation, redeemAgain };
};
