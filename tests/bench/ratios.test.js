// The ratios that a lost fast lane would break; never a time, for the machine may be busy.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { launch } from "../packaging/support/chromium.js";
import { project } from "../packaging/support/installed_package.js";
import { BARE, contenders, LIVECHATS_OWN, OURS } from "./contenders/list.js";
import { cachedAnswers, prepare } from "./measures/cached.js";
import { visitsInChromium } from "./measures/first_token.js";
import { pages } from "./support/built.js";
import { site } from "./support/site.js";
import { compared } from "./support/statistics.js";

const WITHOUT_IDENTITY = "ours, identity: null";
const AGAIN = "bare, again";

/** A page of which the engine threw compiled code away may be slow by itself; a lost lane is slow in every page. */
const TRIES = 3;

let installed, served, chromium;
before(async () => {
  installed = project([], fileURLToPath(new URL(".", import.meta.url)));
  served = await site(await pages(installed.folder, ["nothing", OURS, LIVECHATS_OWN, "cached"]));
  chromium = await launch();
});
after(async () => {
  await chromium?.close();
  await served?.close();
  installed?.remove();
});

/**
 * Passes as soon as one try is within the limits; says every ratio, so that a log shows how far away they are.
 * @param {import("node:test").TestContext} context
 * @param {Record<string, [least: number, most: number]>} limits by name
 * @param {() => Promise<Record<string, number>>} measure
 */
const hold = async (context, limits, measure) => {
  let wrong = [];
  for (let tries = 0; tries < TRIES; tries += 1) {
    const found = await measure();
    const said = Object.entries(limits).map(([name, [least, most]]) => ({
      isWrong: !(found[name] >= least && found[name] <= most),
      text: `${name}: ${found[name].toFixed(2)}, from ${least} to ${most}`,
    }));
    for (const { text } of said) context.diagnostic(text);
    wrong = said.filter(({ isWrong }) => isWrong).map(({ text }) => text);
    if (wrong.length === 0) return;
  }
  assert.fail(wrong.join("; "));
};

/** The medians of the ratios of cached answers, in a page of their own. @param {string[]} names @param {string} reference */
const cachedRatios = async (names, reference) => {
  const { page, errors, close } = await chromium.page();
  try {
    await page.goto(served.page("cached"));
    await page.waitForFunction(() => "cached" in globalThis);
    const run = (code, given) => page.evaluate(code, given);
    await prepare(run, [...names, reference]);
    const rounds = await cachedAnswers(run, "burst", 40);
    assert.deepEqual(await errors(), []);
    const found = compared(rounds, reference);
    return Object.fromEntries(names.map((name) => [name, found[name].ratio.median]));
  } finally {
    await close();
  }
};

test("the same code, measured twice, takes the same time", (context) =>
  hold(context, { [AGAIN]: [0.7, 1.4] }, () => cachedRatios([AGAIN], BARE)));

// With its lease 0.9 times; asking the core takes 6 times at least.
test("a cached answer comes from its lease: it takes at most twice as long as LiveChat's own", (context) =>
  hold(context, { [OURS]: [0, 2], [WITHOUT_IDENTITY]: [0, 2] }, () =>
    cachedRatios([OURS, WITHOUT_IDENTITY], LIVECHATS_OWN),
  ));

// The core is compiled beside the main thread: 1.8 times. Decoded and compiled by it: 5 times.
test("until the first token no task of the main thread is more than three times as long as LiveChat's own longest", (context) =>
  hold(context, { [OURS]: [0, 3] }, async () => {
    const among = contenders.filter(({ id }) => id === OURS || id === LIVECHATS_OWN);
    const visits = await visitsInChromium(chromium, served, { among }, 3);
    const longest = visits.map((round) =>
      Object.fromEntries(Object.entries(round).map(([id, visit]) => [id, visit.longest ?? NaN])),
    );
    return { [OURS]: compared(longest, LIVECHATS_OWN)[OURS].ratio.median };
  }));
