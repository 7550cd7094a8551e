// The package in workers of Chromium, module and classic ones: importing does nothing, a widget that is set up gets its core, and tokens are fetched.

import assert from "node:assert/strict";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { launch } from "./support/chromium.js";
import { project } from "./support/installed_package.js";
import { site } from "./support/site.js";

let installed, browser, server;
before(async () => {
  installed = project();
  browser = await launch();
  for (const name of ["index.js", "core.js", "core_javascript.js", "inline.js", "script.js"]) {
    copyFileSync(join(installed.package, "dist", name), join(installed.folder, name));
  }
  installed.write("page.html", '<!doctype html><title>Page</title><link rel="icon" href="data:,">');
  const work = `
    onmessage = async () => {
      const { getToken } = custom_identity_provider({ licenseId: 12345678, identity: null, source: "/livechat/token" });
      postMessage(await getToken().then(({ entityId }) => entityId, ({ code, cause }) => code + " " + cause));
    };
    postMessage("loaded");
  `;
  for (const name of ["index", "inline"]) {
    installed.write(`${name}_worker.js`, `import { custom_identity_provider } from "/${name}.js";${work}`);
  }
  installed.write("script_worker.js", `importScripts("/script.js");${work}`);
  server = await site(installed.folder);
});
after(async () => {
  await server?.close();
  await browser?.close();
  installed?.remove();
});

for (const [entry, type] of [
  ["index", "module"],
  ["inline", "module"],
  ["script", "classic"],
]) {
  test(`a ${type} worker with ${entry}.js loads no core before it needs one, and gets its token`, async () => {
    const { page, errors, close } = await browser.page();
    try {
      await page.goto(`${server.url}/page.html`);
      server.requests.splice(0);
      const said = () => server.requests.filter((path) => path.startsWith("/core"));
      await page.evaluate(
        ([entry, type]) => {
          globalThis.worker = new Worker(`/${entry}_worker.js`, { type });
          globalThis.next = () =>
            new Promise((resolve, reject) => {
              worker.onmessage = ({ data }) => resolve(data);
              worker.onerror = ({ message }) => reject(new Error(message));
            });
          return next();
        },
        [entry, type],
      );
      assert.deepEqual(said(), []);
      const answer = await page.evaluate(() => {
        worker.postMessage("");
        return next();
      });
      assert.equal(answer, "entity");
      assert.deepEqual(said(), entry === "inline" ? [] : ["/core.js"]);
      assert.deepEqual(await errors(), []);
    } finally {
      await close();
    }
  });
}
