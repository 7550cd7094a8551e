// What a page loads for each contender, after gzip and without what the measured page weighs by itself.

import { contenders } from "../contenders/list.js";

/**
 * @param {Awaited<ReturnType<typeof import("../../packaging/support/chromium.js").launch>>} browser
 * @param {Awaited<ReturnType<typeof import("../support/site.js").site>>} served
 * @param {Map<string, import("../support/built.js").Page>} built
 * @returns {Promise<Record<string, {start: number, total: number}>>} bytes at the page's start, and until the first token
 */
export const weights = async (browser, served, built) => {
  const own = built.get("nothing")?.start ?? 0;
  const found = {};
  for (const { id, needsSignIn } of contenders) {
    const { page, close } = await browser.page();
    if (needsSignIn) {
      await page.goto(served.page(id, { "sign-in": 1 }));
      await page.evaluate(() => globalThis.done);
    }
    served.forget();
    await page.goto(served.page(id));
    await page.evaluate(() => globalThis.done);
    found[id] = { start: (built.get(id)?.start ?? 0) - own, total: served.sent() - own };
    await close();
  }
  return found;
};
