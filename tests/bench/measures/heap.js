// Whether anything grows: the page's heap after a million calls, and after a hundred thousand providers that were made and dropped.

const CALLS = 1_000_000;
const PROVIDERS = 100_000;
/** No page has as many; what is kept for each account would show. */
const ACCOUNTS = 10_000;

/** What each case does, a step at a time, and how many steps it has. */
const CASES = [
  {
    name: "1,000,000 cached calls",
    steps: 10,
    step: (name, count) => globalThis.cached.call(name, count),
    count: CALLS / 10,
  },
  {
    name: "100,000 providers of one account made and dropped",
    steps: 10,
    step: (name, count) => globalThis.cached.make(name, count, true),
    count: PROVIDERS / 10,
  },
  {
    name: "10,000 providers of as many accounts made and dropped",
    steps: 10,
    step: (name, count) => globalThis.cached.make(name, count, false),
    count: ACCOUNTS / 10,
  },
];

/**
 * @param {Awaited<ReturnType<typeof import("../../packaging/support/chromium.js").launch>>} browser
 * @param {Awaited<ReturnType<typeof import("../support/site.js").site>>} served
 * @returns {Promise<{name: string, contender: string, before: number, after: number}[]>} bytes
 */
export const heaps = async (browser, served) => {
  const found = [];
  for (const contender of ["ours", "customer_auth"]) {
    for (const { name, steps, step, count } of CASES) {
      const { page, close } = await browser.page();
      await page.goto(served.page("cached"));
      await page.waitForFunction(() => "cached" in globalThis);
      await page.evaluate((only) => globalThis.cached.prepare([only]), contender);
      const session = await page.context().newCDPSession(page);
      /** What is left when all garbage is gone; finalizers make more of it, in tasks of their own. */
      const used = async () => {
        let least = Infinity;
        for (let still = 0; still < 3;) {
          await session.send("HeapProfiler.collectGarbage");
          const heap = await session.send("Runtime.getHeapUsage");
          const now = heap.usedSize + (heap.backingStorageSize ?? 0);
          still = now < least - 1024 ? 0 : still + 1;
          least = Math.min(least, now);
          await page.evaluate(() => new Promise((resolve) => setTimeout(resolve)));
        }
        return least;
      };
      const one = (size) => page.evaluate(`(${step})(${JSON.stringify(contender)}, ${size})`);
      // What the first ones bring with them is no growth.
      await one(count / 10);
      const before = await used();
      for (let done = 0; done < steps; done += 1) await one(count);
      found.push({ name, contender, before, after: await used() });
      await close();
    }
  }
  return found;
};
