// What docs/troubleshooting.md says that the console and `onEvent` show: compared with what they show, in Chromium.

import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { launch } from "./support/chromium.js";
import { project, root } from "./support/installed_package.js";
import { site } from "./support/site.js";

let installed, browser, server, text;
before(async () => {
  installed = project();
  installed.write(
    "index.html",
    `<!doctype html><title>Shop</title><link rel="icon" href="data:,"><script src="/node_modules/custom-identity-provider/dist/script.js"></script>
    <script>
      var told = [];
      var user = "ada";
      var provider = custom_identity_provider({
        licenseId: 12345678, identity: function () { return user; }, source: "/livechat/token", patience: 2000,
        onEvent: function (event) { told.push(event.type); },
      });
      var ask = function () { return provider.getToken().then(function () {}, function (error) { return error.code; }); };
    </script>`,
  );
  [server, browser, text] = await Promise.all([
    site(installed.folder),
    launch(),
    readFile(join(root, "docs/troubleshooting.md"), "utf8"),
  ]);
});
after(async () => {
  await server?.close();
  await browser?.close();
  installed?.remove();
});

/** The events in a row of the table, by what it says that happens. @param {string} happens */
const documented = (happens) => {
  const row = text.split("\n").find((line) => line.startsWith(`| ${happens} |`)) ?? assert.fail(`no row: ${happens}`);
  return [...row.split("|")[2].matchAll(/`(\w+)`/g)].map(([, type]) => type);
};

/** Several of one kind in a row are written as one; when the core starts depends on the network. @param {string[]} types */
const shortened = (types) =>
  types.filter((type) => type !== "core_started").filter((type, index, all) => type !== all[index - 1]);

/** A page, and what its events were since they were asked for last. */
const open = async () => {
  const { page, close } = await browser.page();
  const said = [];
  page.on("console", (message) => said.push(message.text()));
  const visit = () => page.goto(`${server.url}/index.html`);
  await visit();
  const told = () => page.evaluate(() => told.splice(0)).then(shortened);
  const status = (code) => page.route("**/livechat/token", (route) => route.fulfill({ status: code, body: "{}" }));
  return { page, visit, told, said, status, close };
};

test("a customer's first page, the next one, and what changes people", async () => {
  const { page, visit, told, close } = await open();
  await page.evaluate(() => ask());
  assert.deepEqual(await told(), documented("a customer's first page"));
  await page.evaluate(() => ask());
  assert.deepEqual(await told(), documented("the same page asks again"));
  await visit();
  await page.evaluate(() => ask());
  assert.deepEqual(await told(), documented("the next page"));
  await page.evaluate(() => {
    user = "grace";
    return ask();
  });
  assert.deepEqual(await told(), documented("another customer signs in"));
  await page.evaluate(() => custom_identity_provider.sign_out());
  assert.deepEqual(await told(), documented("`sign_out()` is called"));
  await close();
});

test("an endpoint that says that nobody is signed in, and one that is down", async () => {
  const guest = await open();
  await guest.status(401);
  assert.equal(await guest.page.evaluate(() => ask()), "NOT_SIGNED_IN");
  assert.deepEqual(await guest.told(), documented("your endpoint answers 401"));
  await guest.close();

  const down = await open();
  await down.status(503);
  await down.page.evaluate(() => ask());
  assert.deepEqual(await down.told(), documented("your endpoint is down"));
  assert.equal(await down.page.evaluate(() => ask()), "COOLING_DOWN");
  assert.deepEqual(await down.told(), documented("the widget asks again soon after that"));
  await down.close();
});

test("every sentence that the package says in the console is in the table, and no other", async () => {
  const folder = join(root, "pkg/src");
  const files = await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name), "utf8")));
  const sentences = files.join("\n").matchAll(/complain(?:Once)?\(\s*(["'`])(?:custom-identity-provider: )?(.*?)\1/gs);
  const said = [...sentences].map(([, , sentence]) => sentence.replace(/\$\{.*?\}.*/s, "").trim()).filter(Boolean);
  const table = text.split("## What the console says")[1].split("\n## ")[0];
  const rows = [...table.matchAll(/^\| `(.+?)(?:…)?` \|/gm)].map(([, sentence]) => sentence);
  assert.ok(said.length >= 10);
  assert.deepEqual([...new Set(rows)].sort(), [...new Set(said)].sort());
});
