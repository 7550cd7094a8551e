// From the script's tag to the first token, each visit in a browser profile of its own, as a new visitor has it.

import { contenders } from "../contenders/list.js";
import { shuffled } from "../support/statistics.js";

/**
 * @typedef {object} Visit
 * @property {number} duration from the script's tag to the token; milliseconds
 * @property {number} navigation from the navigation to the token
 * @property {number} [busy] how long the page's main thread worked meanwhile, by its processor time
 * @property {number} [longest] the longest of its tasks
 */
/** @typedef {"none" | "stored"} Before what an earlier visit left */

/** What the page's marks say. */
const marks = async () => {
  await globalThis.done;
  const at = (name) => performance.getEntriesByName(name)[0].startTime;
  return { duration: at("token") - at("start"), navigation: at("token") };
};

/** How long the main thread worked between the marks, by a trace of the browser; milliseconds. @param {Buffer} trace */
const work = (trace) => {
  /** @type {{traceEvents: any[]}} */
  const { traceEvents } = JSON.parse(trace.toString());
  const mark = (name) => traceEvents.find((event) => event.cat.includes("blink.user_timing") && event.name === name);
  const [start, token] = [mark("start"), mark("token")];
  const tasks = traceEvents
    .filter(
      ({ name, ph, pid, tid }) => name.endsWith("RunTask") && ph === "X" && pid === start.pid && tid === start.tid,
    )
    .map(({ ts, dur = 0, tdur = 0 }) => {
      // The task that reads the page begins before the tag; only what comes after it counts.
      const within = Math.max(0, Math.min(ts + dur, token.ts) - Math.max(ts, start.ts));
      return dur > 0 ? (tdur * within) / dur / 1000 : 0;
    });
  if (tasks.length === 0) throw new Error("the trace has no task of the page's main thread");
  return { busy: tasks.reduce((sum, task) => sum + task, 0), longest: Math.max(...tasks) };
};

/**
 * Visits in Chromium.
 * @param {Awaited<ReturnType<typeof import("../../packaging/support/chromium.js").launch>>} browser
 * @param {Awaited<ReturnType<typeof import("../support/site.js").site>>} served
 * @param {{before?: Before, slowdown?: number, network?: {latency: number, throughput: number}, among?: import("../contenders/list.js").Contender[]}} conditions
 * milliseconds, bits per second; all contenders where not some are named
 * @param {number} rounds
 * @returns {Promise<Record<string, Visit>[]>} by contender
 */
export const visitsInChromium = async (
  browser,
  served,
  { before = "none", slowdown = 1, network, among = contenders },
  rounds,
) => {
  const visit = async ({ id, needsSignIn }) => {
    const { page, errors, close } = await browser.page();
    try {
      const go = async (query) => {
        await page.goto(served.page(id, query));
        await page.evaluate(() => globalThis.done);
      };
      served.issueExpired(before === "none");
      await (needsSignIn ? go({ "sign-in": 1 }) : page.goto(served.blank));
      served.issueExpired(false);
      if (before === "stored") await go({});
      const session = await page.context().newCDPSession(page);
      if (slowdown !== 1) await session.send("Emulation.setCPUThrottlingRate", { rate: slowdown });
      if (network) {
        await session.send("Network.enable");
        const throughput = network.throughput / 8;
        await session.send("Network.emulateNetworkConditions", {
          offline: false,
          latency: network.latency,
          downloadThroughput: throughput,
          uploadThroughput: throughput,
        });
      }
      const program = page.context().browser();
      await program?.startTracing(page, { categories: ["toplevel", "blink.user_timing"] });
      await page.goto(served.page(id));
      const found = await page.evaluate(marks);
      const trace = await program?.stopTracing();
      const unhandled = await errors();
      if (unhandled.length > 0 || !trace) throw new Error(`${id}: ${unhandled.join("; ")}`);
      return { ...found, ...work(trace) };
    } finally {
      await close();
    }
  };
  return inTurns(visit, rounds, among);
};

/**
 * Visits in a browser that tells no more than its clock; one profile, emptied before each.
 * @param {{go: (url: string) => Promise<void>, run: (code: Function) => Promise<any>}} tab
 * @param {Awaited<ReturnType<typeof import("../support/site.js").site>>} served
 * @param {{before?: Before}} conditions
 * @param {number} rounds
 * @returns {Promise<Record<string, Visit>[]>}
 */
export const visits = async (tab, served, { before = "none" }, rounds) => {
  const visit = async ({ id, needsSignIn }) => {
    await tab.go(served.blank);
    await tab.run(() => {
      localStorage.clear();
      sessionStorage.clear();
    });
    served.issueExpired(before === "none");
    if (needsSignIn) {
      await tab.go(served.page(id, { "sign-in": 1 }));
      await tab.run(() => globalThis.done.then(() => {}));
    }
    served.issueExpired(false);
    if (before === "stored") {
      await tab.go(served.page(id));
      await tab.run(marks);
    }
    await tab.go(served.page(id));
    return tab.run(marks);
  };
  return inTurns(visit, rounds, contenders);
};

/** A visit of each contender in each round. */
const inTurns = async (visit, rounds, among) => {
  const found = [];
  for (let round = 0; round < rounds; round += 1) {
    const one = {};
    for (const contender of shuffled(among)) one[contender.id] = await visit(contender);
    found.push(one);
  }
  return found;
};
