// `cargo xtask bench browser`: measures the package beside others, prints tables, and writes docs/benchmark.md and its chart.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { browser } from "../packaging/support/browsers.js";
import { launch } from "../packaging/support/chromium.js";
import { project, root } from "../packaging/support/installed_package.js";
import { cachedAnswers, prepare } from "./measures/cached.js";
import { visits, visitsInChromium } from "./measures/first_token.js";
import { heaps } from "./measures/heap.js";
import { requestsOfTabs } from "./measures/tabs.js";
import { weights } from "./measures/weight.js";
import { document, machine, picture } from "./report/document.js";
import {
  cachedSection,
  cachedSentence,
  firstTokenSection,
  heapSection,
  networkSection,
  tabsSection,
  weightSection,
} from "./report/sections.js";
import { pages } from "./support/built.js";
import { site } from "./support/site.js";

/** @typedef {import("./measures/first_token.js").Before} Before */

/** How often each is measured. */
const ROUNDS = { cached: 60, visits: 7, network: 5 };
/** A mobile network of the slower kind; bits per second, milliseconds. */
const NETWORK = { throughput: 1.4e6, latency: 560 };
const SLOWDOWN = 4;

const PARTS = ["weight", "cached", "first-token", "network", "tabs", "memory"];
const wanted = process.argv.slice(2);
const unknown = wanted.find((part) => !PARTS.includes(part));
if (unknown !== undefined) {
  console.error(`There is no part ${unknown}; there are ${PARTS.join(", ")}.`);
  process.exit(2);
}
const isWanted = (part) => wanted.length === 0 || wanted.includes(part);

const installed = project([], fileURLToPath(new URL(".", import.meta.url)));
/** @type {(() => Promise<void>)[]} */
const closing = [];
const sections = [];
const show = (section) => {
  sections.push(section);
  console.log(`\n## ${section.title}\n\n${section.text}\n\n${section.tables.join("\n\n")}`);
};
try {
  const built = await pages(installed.folder);
  const served = await site(built);
  const chromium = await launch();
  closing.push(
    () => chromium.close(),
    () => served.close(),
  );
  const inFirefox = isWanted("cached") || isWanted("first-token");
  const firefox = inFirefox ? await browser("firefox") : undefined;
  if (firefox) closing.unshift(() => firefox.close());
  const tab = await firefox?.tab(served.blank);
  const versions = { Chromium: chromium.version(), ...(firefox && { Firefox: await firefox.version() }) };
  const measuredOn = machine(versions);
  console.log(measuredOn);

  const found = {};
  if (isWanted("weight")) {
    found.weights = await weights(chromium, served, built);
    show(weightSection(found.weights));
  }
  if (isWanted("cached") && tab) {
    const { page, close } = await chromium.page();
    await page.goto(served.page("cached"));
    await page.waitForFunction(() => "cached" in globalThis);
    await tab.go(served.page("cached"));
    found.cached = [];
    for (const [browser, run] of Object.entries({
      Chromium: (code, given) => page.evaluate(code, given),
      Firefox: tab.run,
    })) {
      await prepare(run);
      for (const kind of /** @type {const} */ (["burst", "single"])) {
        found.cached.push({ browser, kind, rounds: await cachedAnswers(run, kind, ROUNDS.cached) });
      }
    }
    await close();
    show(cachedSection(found.cached));
  }
  if (isWanted("first-token") && tab) {
    const all = [];
    for (const before of /** @type {Before[]} */ (["none", "stored"])) {
      for (const slowdown of [1, SLOWDOWN]) {
        const rounds = await visitsInChromium(chromium, served, { before, slowdown }, ROUNDS.visits);
        all.push({ browser: "Chromium", before, slowdown, rounds });
        if (before === "none" && slowdown === SLOWDOWN) found.slow = rounds;
      }
      all.push({
        browser: "Firefox",
        before,
        slowdown: 1,
        rounds: await visits(tab, served, { before }, ROUNDS.visits),
      });
    }
    show(firstTokenSection(all));
  }
  if (isWanted("network")) {
    found.network = await visitsInChromium(chromium, served, { network: NETWORK }, ROUNDS.network);
    show(networkSection(NETWORK, found.network));
  }
  if (isWanted("tabs")) {
    found.requests = await requestsOfTabs(chromium, served);
    show(tabsSection(found.requests));
  }
  if (isWanted("memory")) show(heapSection(await heaps(chromium, served)));

  if (wanted.length === 0) {
    const docs = join(root, "docs");
    writeFileSync(join(docs, "benchmark.svg"), picture(found));
    writeFileSync(join(docs, "benchmark.md"), document(measuredOn, sections, cachedSentence(found.cached)));
    console.log(`\nWritten: docs/benchmark.md and docs/benchmark.svg`);
  }
} finally {
  for (const close of closing) await close();
  installed.remove();
}
