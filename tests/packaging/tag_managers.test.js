// The lines of docs/tag-managers.md and of the package's README for pages without a bundler, as they stand there, in Chromium.

import assert from "node:assert/strict";
import { cp, readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { launch } from "./support/chromium.js";
import { project, root } from "./support/installed_package.js";
import { site } from "./support/site.js";

/** What LiveChat's snippet sets before it loads the widget. */
const SNIPPET = `<script>window.__lc = window.__lc || {}; window.__lc.license = 12345678;</script>`;

let installed, browser, server, examples;
before(async () => {
  installed = project();
  const pages = [join(root, "docs/tag-managers.md"), join(installed.package, "README.md")];
  const texts = await Promise.all(pages.map((page) => readFile(page, "utf8")));
  examples = texts.flatMap((text) => [...text.matchAll(/^```html\n(.*?)^```/gms)].map(([, example]) => example));
  await cp(join(installed.package, "dist"), join(installed.folder, "custom-identity-provider"), { recursive: true });
  for (const [index, example] of examples.entries()) {
    const head = `<!doctype html><title>Shop</title><link rel="icon" href="data:,">
      <script>var session = { user: { id: "ada" } }; window.currentUserId = "ada";</script>`;
    installed.write(`before_${index}.html`, head + example + SNIPPET);
    installed.write(`after_${index}.html`, head + SNIPPET + example);
  }
  [server, browser] = await Promise.all([site(installed.folder), launch()]);
});
after(async () => {
  await server?.close();
  await browser?.close();
  installed?.remove();
});

test("a page with these lines, before LiveChat's snippet or after it, gets its customer's token", async () => {
  assert.equal(examples.length, 2);
  for (const index of examples.keys()) {
    for (const order of ["before", "after"]) {
      const { page, errors, close } = await browser.page();
      await page.goto(`${server.url}/${order}_${index}.html`);
      const entity = await page.evaluate(
        async () => (await window.__lc.custom_identity_provider().getToken()).entityId,
      );
      assert.equal(entity, "entity", `${order}: ${examples[index]}`);
      assert.deepEqual(await errors(), []);
      await close();
    }
  }
});
