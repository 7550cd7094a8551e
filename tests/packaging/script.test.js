// The plain script before a widget's snippet, and several copies of the package on one page.

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
  for (const name of ["script.js", "index.js", "slim.js", "custom_identity_provider.wasm"]) {
    copyFileSync(join(installed.package, "dist", name), join(installed.folder, name));
  }
  copyFileSync(join(installed.package, "dist/index.js"), join(installed.folder, "second_copy.js"));
});
after(async () => {
  await browser?.close();
  installed?.remove();
});

/** Opens a page with these elements, waits for `globalThis.answers`, and closes it; fails on an error that nobody handled. */
const open = async (name, elements) => {
  installed.write(`${name}.html`, `<!doctype html><title>${name}</title><link rel="icon" href="data:,">${elements}`);
  server = await site(installed.folder);
  const { page, errors, close } = await browser.page();
  try {
    await page.goto(`${server.url}/${name}.html`);
    await page.waitForFunction(() => "answers" in globalThis);
    const answers = await page.evaluate(() => globalThis.answers);
    assert.deepEqual(await errors(), []);
    return { answers, issued: server.issued() };
  } finally {
    await close();
    await server.close();
  }
};

test("the script makes the document's one line work as it stands", async () => {
  const { answers, issued } = await open("snippet", `
    <script src="/script.js"></script>
    <script>
      custom_identity_provider.configure({ identity: () => "customer-1", source: "/livechat/token" });
      window.__lc = window.__lc || {};
      window.__lc.license = 12345678;
      window.__lc.custom_identity_provider = custom_identity_provider;
    </script>
    <script>
      // What the widget does, once its own script has arrived: it calls the factory, and the methods detached.
      const { getToken, getFreshToken, hasToken, invalidate } = window.__lc.custom_identity_provider();
      window.answers = (async () => {
        const before = await hasToken();
        const [one, two] = await Promise.all([getToken(), getToken()]);
        const after = await hasToken();
        const fresh = await getFreshToken();
        return {
          before, after, joined: one.accessToken === two.accessToken, licenseId: one.licenseId, frozen: Object.isFrozen(one),
          fields: Object.keys(structuredClone(one)).sort(), renewed: fresh.accessToken !== one.accessToken,
          invalidated: await invalidate() === undefined, gone: !await hasToken(),
          ready: [typeof custom_identity_provider.sign_out, typeof custom_identity_provider.IdentityError],
        };
      })();
    </script>`);
  assert.deepEqual(answers, {
    before: false, after: true, joined: true, licenseId: 12345678, frozen: true,
    fields: ["accessToken", "creationDate", "entityId", "expiresIn", "licenseId", "organizationId", "tokenType"], renewed: true,
    invalidated: true, gone: true, ready: ["function", "function"],
  });
  assert.equal(issued, 2);
});

test("rule_03_copies_of_the_package_share_one_request", async () => {
  const { answers, issued } = await open("copies", `
    <script src="/script.js"></script>
    <script type="module">
      import * as first from "/index.js";
      import * as second from "/second_copy.js";
      import * as slim from "/slim.js";
      await slim.init();
      const options = { licenseId: 12345678, identity: () => "customer-1", source: "/livechat/token" };
      const makers = [custom_identity_provider, first.custom_identity_provider, second.custom_identity_provider, slim.custom_identity_provider];
      const tokens = await Promise.all(makers.map((make) => make(options).getToken()));
      globalThis.answers = tokens.map((token) => token.accessToken);
    </script>`);
  assert.deepEqual(answers, Array(4).fill("made-by-a-test:1"));
  assert.equal(issued, 1);
});

test("defaults given to one copy of the package hold for every copy", async () => {
  const { answers } = await open("defaults", `
    <script src="/script.js"></script>
    <script type="module">
      import { configure } from "/index.js";
      configure({ licenseId: 12345678, identity: null, source: "/livechat/token" });
      globalThis.answers = (await custom_identity_provider().getToken()).accessToken;
    </script>`);
  assert.equal(answers, "made-by-a-test:1");
});

test("rule_07_sign_out_of_one_copy_signs_out_of_all", async () => {
  const { answers } = await open("sign_out", `
    <script src="/script.js"></script>
    <script type="module">
      import * as module from "/index.js";
      const options = { licenseId: 12345678, identity: () => "customer-1", source: "/livechat/token" };
      const [one, other] = [custom_identity_provider(options), module.custom_identity_provider(options)];
      await one.getToken();
      const had = [await one.hasToken(), await other.hasToken()];
      const silent = module.custom_identity_provider({ ...options, licenseId: 87654321, source: () => new Promise(() => {}) }).getToken();
      await module.sign_out();
      globalThis.answers = { had, has: [await one.hasToken(), await other.hasToken()], waiter: await silent.catch((error) => error.code) };
    </script>`);
  assert.deepEqual(answers, { had: [true, true], has: [false, false], waiter: "SIGNED_OUT" });
});

test("copies of the package recognise each other's errors", async () => {
  const { answers } = await open("errors", `
    <script src="/script.js"></script>
    <script type="module">
      import * as first from "/index.js";
      import * as second from "/second_copy.js";
      const classes = [custom_identity_provider.IdentityError, first.IdentityError, second.IdentityError];
      const thrown = (make) => { try { make({ source: 7 }); } catch (error) { return error; } };
      const errors = [...classes.map((Class) => new Class("NETWORK", "unreachable")), thrown(custom_identity_provider), thrown(second.custom_identity_provider)];
      globalThis.answers = {
        distinct: new Set(classes).size,
        recognised: errors.every((error) => classes.every((Class) => error instanceof Class) && error instanceof Error),
        others: [new Error("other"), "NETWORK", null, undefined, { code: "NETWORK" }].some((value) => value instanceof first.IdentityError),
      };
    </script>`);
  assert.deepEqual(answers, { distinct: 3, recognised: true, others: false });
});
