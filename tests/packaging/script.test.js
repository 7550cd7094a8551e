// The plain script before a widget's snippet, and several copies of the package on one page.

import assert from "node:assert/strict";
import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { launch } from "./support/chromium.js";
import { project } from "./support/installed_package.js";
import { site } from "./support/site.js";

let installed, browser, server;
before(async () => {
  installed = project();
  browser = await launch();
  for (const name of ["script.js", "index.js", "core.js", "core_javascript.js", "inline.js"]) {
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

test("a widget or a cache that only a later copy knows is refused by an earlier one that the page loaded first", async () => {
  const built = readFileSync(join(installed.package, "dist/inline.js"), "utf8");
  const later = built
    .replaceAll('"omnichannel",number:1', '"of_a_later_version",number:77')
    .replaceAll('"memory"', '"forever"');
  assert.ok(/"of_a_later_version",number:77/.test(later) && later.includes(`"forever"`));
  installed.write("later_copy.js", later);
  const { answers, issued } = await open(
    "later_copy",
    `
    <script type="module">
      import { getAuthToken as earlier } from "/inline.js";
      import { authoriseChatWithCallback, getAuthToken } from "/later_copy.js";
      const options = { identity: () => "customer-1", source: () => "never asked" };
      earlier(options);
      const code = (ask) => ask.then(() => "a token", ({ code, message }) => code + ": " + message);
      const called = (ask) => new Promise((resolve) => ask((token, reason) => resolve([token, reason])));
      window.answers = (async () => ({
        widget: await code(getAuthToken({ ...options, cache: "none" })()),
        cache: await called(authoriseChatWithCallback({ ...options, cache: "forever" })),
      }))();
    </script>`,
  );
  assert.deepEqual(answers, {
    widget:
      "BAD_OPTION: an earlier version of this package, which the page loaded first, does not know this widget or cache",
    cache: [null, "Your sign-in could not be confirmed."],
  });
  assert.equal(issued, 0);
});

test("the script makes the document's one line work as it stands", async () => {
  const { answers, issued } = await open(
    "snippet",
    `
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
    </script>`,
  );
  assert.deepEqual(answers, {
    before: false,
    after: true,
    joined: true,
    licenseId: 12345678,
    frozen: true,
    fields: ["accessToken", "creationDate", "entityId", "expiresIn", "licenseId", "organizationId", "tokenType"],
    renewed: true,
    invalidated: true,
    gone: true,
    ready: ["function", "function"],
  });
  assert.equal(issued, 2);
});

test("the script has every function as a property, and Live Assist finds its own under the name that is configured", async () => {
  const { answers } = await open(
    "live_assist",
    `
    <script src="/script.js"></script>
    <script>
      let asked = 0;
      const now = Math.floor(Date.now() / 1000);
      const jwt = () => [{ alg: "RS256" }, { iss: "site", sub: "contact", iat: now, exp: now + 300 }, asked]
        .map((part) => btoa(JSON.stringify(part)).replace(/=+$/, "")).join(".");
      const source = () => { asked += 1; return jwt(); };
      window.authoriseChatWithCallback = custom_identity_provider.authoriseChatWithCallback({ identity: () => "customer-1", source });
    </script>
    <script>
      // What Live Assist does: it calls by name, and takes what it is called back with.
      const ask = (...given) => new Promise((resolve) => window.authoriseChatWithCallback((...answer) => resolve(answer), ...given));
      window.answers = (async () => {
        const [first, second] = [await ask(), await ask("challenge-of-nobody")];
        const other = await custom_identity_provider.getAuthToken({ identity: () => "customer-1", source })();
        return {
          functions: Object.entries(custom_identity_provider).map(([name, value]) => name + " " + typeof value).sort(),
          parts: first[0].split(".").length, length: first.length, same: first[0] === second[0], foreign: other === first[0], asked,
        };
      })();
    </script>`,
  );
  const { custom_identity_provider, ...others } = await import(join(installed.package, "dist/index.js"));
  const properties = Object.keys(others);
  assert.ok(custom_identity_provider && properties.includes("IdentityError") && properties.includes("sign_out"));
  assert.deepEqual(answers, {
    functions: properties.sort().map((name) => `${name} function`),
    parts: 3,
    length: 1,
    same: true,
    foreign: false,
    asked: 2,
  });
});

test("the script registers its provider with Omnichannel at lcw:ready, and takes it back", async () => {
  const { answers } = await open(
    "omnichannel",
    `
    <script src="/script.js"></script>
    <script>
      const disconnect = custom_identity_provider.connectOmnichannel({ source: () => null, startChat: { inNewWindow: false } });
      const heard = [];
      let registered = null;
      // The live chat SDK comes later, as the real one does.
      window.Microsoft = { Omnichannel: { LiveChatWidget: { SDK: {
        setAuthTokenProvider: (provider) => { registered = provider; },
        getAuthTokenProvider: () => registered,
        removeAuthTokenProvider: () => { registered = null; },
        startChat: (options) => { heard.push(options); },
      } } } };
      const before = registered;
      dispatchEvent(new Event("lcw:ready"));
      window.answers = new Promise((resolve) => registered((token) => {
        const during = typeof registered;
        disconnect();
        resolve({ before, during, token, after: registered, heard });
      }));
    </script>`,
  );
  assert.deepEqual(answers, {
    before: null,
    during: "function",
    token: null,
    after: null,
    heard: [{ inNewWindow: false }],
  });
});

test("rule_03_copies_of_the_package_share_one_request", async () => {
  const { answers, issued } = await open(
    "copies",
    `
    <script src="/script.js"></script>
    <script type="module">
      import * as first from "/index.js";
      import * as second from "/second_copy.js";
      import * as inline from "/inline.js";
      const options = { licenseId: 12345678, identity: () => "customer-1", source: "/livechat/token" };
      const makers = [custom_identity_provider, first.custom_identity_provider, second.custom_identity_provider, inline.custom_identity_provider];
      const tokens = await Promise.all(makers.map((make) => make(options).getToken()));
      globalThis.answers = tokens.map((token) => token.accessToken);
    </script>`,
  );
  assert.deepEqual(answers, Array(4).fill("made-by-a-test:1"));
  assert.equal(issued, 1);
});

test("defaults given to one copy of the package hold for every copy", async () => {
  const { answers } = await open(
    "defaults",
    `
    <script src="/script.js"></script>
    <script type="module">
      import { configure } from "/index.js";
      configure({ licenseId: 12345678, identity: null, source: "/livechat/token" });
      globalThis.answers = (await custom_identity_provider().getToken()).accessToken;
    </script>`,
  );
  assert.equal(answers, "made-by-a-test:1");
});

test("rule_07_sign_out_of_one_copy_signs_out_of_all", async () => {
  const { answers } = await open(
    "sign_out",
    `
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
    </script>`,
  );
  assert.deepEqual(answers, { had: [true, true], has: [false, false], waiter: "SIGNED_OUT" });
});

test("copies of the package recognise each other's errors", async () => {
  const { answers } = await open(
    "errors",
    `
    <script src="/script.js"></script>
    <script type="module">
      import * as first from "/index.js";
      import * as second from "/second_copy.js";
      const classes = [custom_identity_provider.IdentityError, first.IdentityError, second.IdentityError];
      console.error = () => {}; // A wrong option is said there, too.
      const thrown = (make) => { try { make({ source: 7 }); } catch (error) { return error; } };
      const errors = [...classes.map((Class) => new Class("NETWORK", "unreachable")), thrown(custom_identity_provider), thrown(second.custom_identity_provider)];
      globalThis.answers = {
        distinct: new Set(classes).size,
        recognised: errors.every((error) => classes.every((Class) => error instanceof Class) && error instanceof Error),
        others: [new Error("other"), "NETWORK", null, undefined, { code: "NETWORK" }].some((value) => value instanceof first.IdentityError),
      };
    </script>`,
  );
  assert.deepEqual(answers, { distinct: 3, recognised: true, others: false });
});
