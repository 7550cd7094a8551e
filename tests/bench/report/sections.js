// The sections of the report: what was measured, in a few words and a table.

import { contenders, BARE, LIVECHATS_OWN, OURS } from "../contenders/list.js";
import { compared, figure } from "../support/statistics.js";
import { bytes, digits, spread, table } from "./format.js";

/** @typedef {import("../support/statistics.js").Figure} Figure */
/** @typedef {import("../measures/first_token.js").Visit} Visit */

/** @type {Record<string, string>} */
export const NAMES = {
  ...Object.fromEntries(contenders.map(({ id, name }) => [id, name])),
  "ours, identity: null": "… with `identity: null`",
  "ours, with onEvent": "… with `onEvent`",
  "bare, with identity": "… which looks who is signed in",
  "bare, again": "… once more: the noise",
};

/** The order of a table: ours, with its variants, and then by what was measured. @param {Record<string, {ratio: Figure}>} found */
const ordered = (found) => {
  const place = (name) => (name.startsWith(OURS) ? -1 : found[name.split(",")[0]].ratio.median);
  return Object.keys(found).sort((one, other) => place(one) - place(other) || one.localeCompare(other));
};

/** @typedef {{browser: string, kind: "burst" | "single", rounds: Record<string, number>[]}} Cached */

const KINDS = { burst: "a burst", single: "single calls" };

/** @param {Cached[]} cached */
export const cachedSection = (cached) => ({
  title: "A cached answer",
  text: `A token is in hand, and \`getToken()\` is called again and awaited. All are in one page and take turns, in another order in each of ${cached[0].rounds.length} rounds. In a burst, a turn is some milliseconds of calls of one provider. In single calls, a turn asks 32 providers of one token once each, so that no call profits from the one before it: ours asks its core each time, which also looks for a sign-out in another tab. In a burst ours asks its core once in a millisecond. Ours has an \`identity\` function, except where it says otherwise. The bare promise is in the table twice, and the difference is the noise of the machine.`,
  tables: cached.map(({ browser, kind, rounds }) => {
    const found = compared(rounds, LIVECHATS_OWN);
    const bare = compared(rounds, BARE);
    return table(
      [`${browser}, ${KINDS[kind]}`, "× customer-auth", "× the bare promise", "ns"],
      ordered(found).map((name) => [
        NAMES[name],
        spread(found[name].ratio),
        spread(bare[name].ratio),
        spread(found[name].value),
      ]),
    );
  }),
});

/** What the cached answers cost, in a sentence. @param {Cached[]} cached */
export const cachedSentence = (cached) => {
  const ratios = (kind) =>
    cached
      .filter((one) => one.kind === kind)
      .map(
        ({ browser, rounds }) =>
          `${digits(compared(rounds, LIVECHATS_OWN)[OURS].ratio.median)} times as long in ${browser}`,
      )
      .join(", ");
  return `In a burst of calls a cached answer takes, compared with \`@livechat/customer-auth\`, LiveChat's own: ${ratios("burst")}. A single one: ${ratios("single")}.`;
};

/**
 * @typedef {{browser: string, before: "none" | "stored", slowdown: number, rounds: Record<string, Visit>[]}} Visits
 */

const STORED = { none: "no token stored", stored: "a token stored" };

/** One measure of all rounds. @param {Record<string, Visit>[]} rounds @param {keyof Visit} measure */
const only = (rounds, measure) =>
  rounds.map((round) => Object.fromEntries(Object.entries(round).map(([id, visit]) => [id, visit[measure] ?? NaN])));

/** @param {Visits[]} visits */
export const firstTokenSection = (visits) => ({
  title: "From the script to the first token",
  text: `The page loads one script from its own server, makes a provider and asks for a token at once. The clock runs from the script's tag to the token. Each visit has a browser profile of its own, and nothing in a cache. Everything is on one machine, so the network costs next to nothing: what is left is loading, compiling and running. "4 ×" is a processor that Chromium slows down four times. Main-thread time and the longest task are the main thread's processor time in that span, by Chromium's own trace. "No token stored" means for the three that have people sign in that the access token has expired, and a refresh token gets the next. \`customer-auth\` asks for a new token even where it stored one: it looks for the stored one too late.`,
  tables: visits.map(({ browser, before, slowdown, rounds }) => {
    const duration = compared(only(rounds, "duration"), LIVECHATS_OWN);
    const hasTrace = rounds[0][OURS].busy !== undefined;
    const more = (name, measure) => spread(figure(rounds.map((round) => round[name][measure] ?? NaN)));
    return table(
      [
        `${browser}, ${slowdown} ×, ${STORED[before]}`,
        "× customer-auth",
        "ms",
        ...(hasTrace ? ["main-thread time, ms", "longest task, ms"] : []),
      ],
      ordered(duration).map((name) => [
        NAMES[name],
        spread(duration[name].ratio),
        spread(duration[name].value),
        ...(hasTrace ? [more(name, "busy"), more(name, "longest")] : []),
      ]),
    );
  }),
});

/** @param {{latency: number, throughput: number}} network @param {Record<string, Visit>[]} rounds */
export const networkSection = (network, rounds) => {
  const found = compared(only(rounds, "navigation"), LIVECHATS_OWN);
  return {
    title: "A slow network",
    text: `From the navigation to the first token, with no token stored, where Chromium makes the network one of ${network.throughput / 1e6} Mbit/s and ${network.latency} ms from a request to its answer.`,
    tables: [
      table(
        ["", "× customer-auth", "ms"],
        ordered(found).map((name) => [NAMES[name], spread(found[name].ratio), spread(found[name].value)]),
      ),
    ],
  };
};

/** @param {Record<string, {start: number, total: number}>} weights */
export const weightSection = (weights) => ({
  title: "What a page loads",
  text: "JavaScript in an application that Vite builds, after gzip, beyond what the same page weighs without a library. At the page's start: what must be there before the page's own script runs. In all: what was loaded when the first token was there.",
  tables: [
    table(
      ["", "at the page's start", "in all"],
      Object.entries(weights).map(([id, { start, total }]) => [NAMES[id], bytes(start), bytes(total)]),
    ),
  ],
});

/** @param {{name: string, atOnce: number, inAll: number}[]} requests */
export const tabsSection = (requests) => ({
  title: "Requests of ten tabs",
  text: "One person opens ten tabs at once, and reloads them until the page was loaded a hundred times. Each load asks for a token twenty times. The table counts the requests that reach the server; a token would live for eight hours.",
  tables: [
    table(
      ["", "ten tabs at once", "a hundred loads"],
      requests.map(({ name, atOnce, inAll }) => [name, String(atOnce), String(inAll)]),
    ),
  ],
});

/** @param {{name: string, contender: string, before: number, after: number}[]} heaps */
export const heapSection = (heaps) => ({
  title: "Memory",
  text: "The page's heap in Chromium, once all garbage is collected, before and after.",
  tables: [
    table(
      ["", "", "before", "after", "growth"],
      heaps.map(({ name, contender, before, after }) => [
        NAMES[contender],
        name,
        bytes(before),
        bytes(after),
        bytes(after - before),
      ]),
    ),
  ],
});
