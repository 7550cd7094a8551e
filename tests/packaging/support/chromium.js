// Headless Chromium whose pages fail a test by any error that nobody handled.

import { chromium } from "playwright-core";
import { flags, path } from "../../chromium.js";

/** @param {string} [executablePath] another Chromium than the installed one */
export async function launch(executablePath = path) {
  const browser = await chromium.launch({ executablePath, args: flags });
  return {
    /** A page with a storage of its own; `errors()` is what reached nobody: exceptions, unhandled rejections, console errors. */
    async page() {
      const context = await browser.newContext();
      context.setDefaultTimeout(15_000);
      const page = await context.newPage();
      /** @type {string[]} */
      const found = [];
      page.on("pageerror", (error) => found.push(String(error.stack ?? error)));
      page.on("console", (message) => {
        if (message.type() === "error") found.push(message.text());
      });
      const errors = async () => {
        // A rejection counts as unhandled once the browser has run whatever was waiting when it came about.
        await page.evaluate(() => new Promise((resolve) => setTimeout(resolve)));
        return found;
      };
      return { page, errors, close: () => context.close() };
    },
    version: () => browser.version(),
    close: () => browser.close(),
  };
}
