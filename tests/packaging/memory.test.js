// Nothing grows: providers that nobody holds are garbage, also where page code closes over them.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";
import { project } from "./support/installed_package.js";
import { site } from "./support/site.js";

let installed;
let served;
let browser;
let page;

before(async () => {
  installed = project();
  installed.write(
    "page.html",
    `<!doctype html><title>a page</title><link rel="icon" href="data:,"><script type="module">
    import * as loaded from "./node_modules/custom-identity-provider/dist/index.js";
    window.loaded = loaded;
  </script>`,
  );
  served = await site(installed.folder);
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--js-flags=--expose-gc"],
  });
  page = await browser.newPage();
  await page.goto(`${served.url}/page.html`);
  await page.waitForFunction(() => "loaded" in window);
});
after(async () => {
  await browser?.close();
  await served?.close();
  installed?.remove();
});

test("a provider that its own functions close over is garbage when nobody holds it", async () => {
  const alive = await page.evaluate(async () => {
    const { custom_identity_provider } = window.loaded;
    const references = [];
    const makeOne = async (number) => {
      const own = { heard: 0, large: new Uint8Array(1024) };
      // As a React component makes it: every function holds what holds the provider.
      own.provider = custom_identity_provider({
        organizationId: "organization",
        identity: () => own.provider && "somebody",
        source: async () => ({
          access_token: `a${own.large.length}`,
          entity_id: "entity",
          expires_in: 3600,
          token_type: "Bearer",
        }),
        onEvent: () => void (own.heard += 1),
      });
      if (number % 100 === 0) await own.provider.getToken();
      references.push(new WeakRef(own));
    };
    for (let number = 0; number < 2_000; number += 1) await makeOne(number);
    let count = references.length;
    for (let round = 0; round < 20 && count > 20; round += 1) {
      await new Promise((resolve) => setTimeout(resolve));
      window.gc();
      count = references.filter((reference) => reference.deref()).length;
    }
    return count;
  });
  // A few may still stand on a stack or in a cache of the engine's.
  assert.ok(alive <= 20, `${alive} of 2000 are alive`);
});

test("handles that are alive, and their listeners, cost a cached call nothing that grows with them when they have one listener", async () => {
  const told = await page.evaluate(async () => {
    const { custom_identity_provider } = window.loaded;
    let heard = 0;
    const onEvent = () => void (heard += 1);
    const identity = () => "somebody";
    const source = async () => ({ access_token: "a", entity_id: "entity", expires_in: 3600, token_type: "Bearer" });
    const kept = Array.from({ length: 2_000 }, () =>
      custom_identity_provider({ licenseId: 77, identity, source, onEvent }),
    );
    await kept[0].getToken();
    heard = 0;
    await kept[0].getToken();
    return heard;
  });
  assert.equal(told, 2, "a call and a cache hit, each told once");
});
