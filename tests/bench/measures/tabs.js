// How many tokens the tabs of one person ask for.

import { contenders, OURS } from "../contenders/list.js";

const TABS = 10;
const LOADS = 100;
const CALLS = 20;

/** What the package's own option needs to be measured. */
const SHARING = { id: OURS, name: 'custom-identity-provider, `tabs: "share"`', query: { tabs: "share" } };

/**
 * Ten tabs at once, and then again until there were a hundred loads, with twenty calls each.
 * @param {Awaited<ReturnType<typeof import("../../packaging/support/chromium.js").launch>>} browser
 * @param {Awaited<ReturnType<typeof import("../support/site.js").site>>} served
 * @returns {Promise<{name: string, id: string, isSharing: boolean, atOnce: number, inAll: number}[]>} requests
 */
export const requestsOfTabs = async (browser, served) => {
  const found = [];
  for (const { id, name, needsSignIn, query = {} } of [SHARING, ...contenders]) {
    const { page: first, close } = await browser.page();
    try {
      const pages = [first];
      while (pages.length < TABS) pages.push(await first.context().newPage());
      served.issueExpired(true);
      await first.goto(needsSignIn ? served.page(id, { "sign-in": 1 }) : served.blank);
      await first.evaluate(() => globalThis.done);
      served.issueExpired(false);
      served.forget();
      const load = async (page) => {
        await page.goto(served.page(id, { ...query, calls: CALLS }));
        await page.evaluate(() => globalThis.done);
      };
      await Promise.all(pages.map(load));
      const atOnce = served.asked();
      for (let loads = TABS; loads < LOADS; loads += TABS) await Promise.all(pages.map(load));
      found.push({ name, id, isSharing: "tabs" in query, atOnce, inAll: served.asked() });
    } catch (error) {
      // A build from before the option was there names those that it knows.
      if (!query.tabs || !String(error).includes("option")) throw error;
    } finally {
      await close();
    }
  }
  return found;
};
