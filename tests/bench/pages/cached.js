// The page of all contenders, each with a token in hand: their cached answers are timed in turns.

import * as auth0 from "../contenders/auth0.js";
import * as bare from "../contenders/bare.js";
import * as customerAuth from "../contenders/customer_auth.js";
import * as oidcClient from "../contenders/oidc_client.js";
import * as ours from "../contenders/ours.js";
import * as supabase from "../contenders/supabase.js";

const listener = () => {};
/** Each has a token of its own: a session that somebody listens to is another one than a session that nobody does. */
const made = {
  ours: () => ours.provider({ organization: "identity" }),
  "ours, identity: null": () => ours.provider({ organization: "null", identity: null }),
  "ours, with onEvent": () => ours.provider({ organization: "listener", onEvent: listener }),
  customer_auth: () => customerAuth.provider({ organization: "organization" }),
  oidc_client: oidcClient.provider,
  supabase: supabase.provider,
  auth0: auth0.provider,
  bare: () => bare.provider({ organization: "organization" }),
  "bare, with identity": () => bare.provider({ organization: "organization", identity: bare.identity }),
  // How far two equal things are apart is the noise of the machine.
  "bare, again": () => bare.provider({ organization: "organization" }),
};

/** Those that have tokens only for who signed in through them. */
const signIns = { oidc_client: oidcClient.signIn, supabase: supabase.signIn, auth0: auth0.signIn };

/** How long one turn of a contender lasts, about. Milliseconds. */
const TURN = 3;

const timed = async (getToken, count) => {
  const began = performance.now();
  for (let call = 0; call < count; call += 1) await getToken();
  return performance.now() - began;
};

/** In another order each time, so that nobody always comes after the same one. */
const shuffled = (list) => {
  const rest = [...list];
  return list.map(() => rest.splice(Math.floor(Math.random() * rest.length), 1)[0]);
};

/** Each provider's latest calls are in the same millisecond: what is remembered of a call for the next one is not of use. */
const PROVIDERS = 32;
const TURNS = 8;

/** The next task, in another millisecond of the wall clock. */
const nextMillisecond = async () => {
  const before = Date.now();
  const { port1, port2 } = new MessageChannel();
  do {
    await new Promise((resolve) => {
      port1.onmessage = resolve;
      port2.postMessage(undefined);
    });
  } while (Date.now() === before);
  port1.close();
};

/** Asks each once. */
const timedOnce = async (providers) => {
  let sum = 0;
  for (let turn = 0; turn < TURNS; turn += 1) {
    await nextMillisecond();
    const began = performance.now();
    for (const { getToken } of providers) await getToken();
    sum += performance.now() - began;
  }
  return sum / TURNS / providers.length;
};

/** @type {Map<string, {getToken: () => Promise<unknown>, count: number, providers: {getToken: () => Promise<unknown>}[]}>} */
const ready = new Map();

/** Gets everybody's token, and as many calls as fill a turn. @param {string[]} [names] all of them where none are named */
export const prepare = async (names = Object.keys(made)) => {
  for (const name of names) {
    await signIns[name]?.();
    const providers = [];
    while (providers.length < PROVIDERS) {
      providers.push(made[name]());
      await providers.at(-1).getToken();
    }
    const [{ getToken }] = providers;
    let count = 64;
    // The compilers of the engine have done their work meanwhile.
    while ((await timed(getToken, count)) < 4 * TURN) count *= 2;
    ready.set(name, {
      getToken,
      providers,
      count: Math.max(1, Math.round((count * TURN) / (await timed(getToken, count)))),
    });
  }
};

/**
 * A turn of each in each round.
 * @param {"burst" | "single"} kind calls of one provider, one at once after another; or single ones
 * @param {number} rounds
 * @returns {Promise<Record<string, number>[]>} nanoseconds per call by name
 */
export const compare = async (kind, rounds) => {
  const found = [];
  for (let round = 0; round < rounds; round += 1) {
    const one = {};
    for (const [name, { getToken, count, providers }] of shuffled([...ready])) {
      one[name] = 1e6 * (kind === "burst" ? (await timed(getToken, count)) / count : await timedOnce(providers));
    }
    found.push(one);
  }
  return found;
};

/** So many calls of one, one after another. */
export const call = async (name, count) => void (await timed(ready.get(name).getToken, count));

const MAKERS = { ours: ours.provider, customer_auth: customerAuth.provider };
let number = 0;

/**
 * So many providers, each of which gets a token and is dropped.
 * @param {"ours" | "customer_auth"} name
 * @param {number} count
 * @param {boolean} isAccountShared whether all are of one account, and so of one token
 */
export const make = async (name, count, isAccountShared) => {
  for (let made = 0; made < count; made += 1) {
    number += 1;
    const organization = isAccountShared ? "dropped" : `dropped-${number}`;
    MAKERS[name]({ organization });
    // What is dropped is cleaned up between tasks.
    if (made % 1000 === 999) await new Promise((resolve) => setTimeout(resolve));
  }
};
