// The slim entry's `init`: every way of having the file, and every way of not having it.

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
  for (const name of ["slim.js", "custom_identity_provider.wasm"]) {
    copyFileSync(join(installed.package, "dist", name), join(installed.folder, name));
  }
  installed.write("page.html", '<!doctype html><title>Page</title><link rel="icon" href="data:,">');
  server = await site(installed.folder);
});
after(async () => {
  await server?.close();
  await browser?.close();
  installed?.remove();
});

/** Runs in a page of its own; an error that nobody handled fails, but for those that the browser itself prints about the network. */
const run = async (work) => {
  const { page, errors, close } = await browser.page();
  try {
    await page.goto(`${server.url}/page.html`);
    await page.evaluate(() => {
      globalThis.token = (module) =>
        module.custom_identity_provider({ licenseId: 12345678, identity: null, source: "/livechat/token" }).getToken();
      globalThis.code = (promise) =>
        promise.then(
          () => "resolved",
          (error) => `${error.name} ${error.code}${error.status ? ` ${error.status}` : ""}`,
        );
    });
    const answers = await page.evaluate(work);
    assert.deepEqual(
      (await errors()).filter((error) => !/Failed to load resource/.test(error)),
      [],
    );
    return answers;
  } finally {
    await close();
  }
};

for (const [name, argument] of Object.entries({
  "nothing: the file beside the module": "",
  "a path": '"/custom_identity_provider.wasm"',
  "a URL": 'new URL("/custom_identity_provider.wasm", location.href)',
  "a response": 'await fetch("/custom_identity_provider.wasm")',
  "the promise of one": 'fetch("/custom_identity_provider.wasm")',
  bytes: 'await (await fetch("/custom_identity_provider.wasm")).arrayBuffer()',
  "a module": 'await WebAssembly.compileStreaming(fetch("/custom_identity_provider.wasm"))',
})) {
  test(`init takes ${name}`, async () => {
    const work = `(async () => {
      const slim = await import("/slim.js");
      await slim.init(${argument});
      return (await token(slim)).entityId;
    })()`;
    assert.equal(await run(work), "entity");
  });
}

test("before init every method rejects with WASM_MISSING and says what to await", async () => {
  assert.deepEqual(
    await run(async () => {
      const slim = await import("/slim.js");
      const provider = slim.custom_identity_provider({
        licenseId: 12345678,
        identity: null,
        source: "/livechat/token",
      });
      void provider.getToken(); // Nobody listens: it must not become an unhandled rejection.
      return {
        codes: await Promise.all(
          ["getToken", "getFreshToken", "hasToken", "invalidate"].map((method) => code(provider[method]())),
        ),
        sign_out: await code(slim.sign_out()),
        message: await provider.getToken().catch((error) => error.message.includes("init()")),
      };
    }),
    { codes: Array(4).fill("IdentityError WASM_MISSING"), sign_out: "IdentityError WASM_MISSING", message: true },
  );
});

test("before init a widget's callback is answered with null, getAuthToken rejects with WASM_MISSING, and both work after it", async () => {
  assert.deepEqual(
    await run(async () => {
      const slim = await import("/slim.js");
      const part = (value) => btoa(JSON.stringify(value)).replace(/=+$/, "");
      const now = Math.floor(Date.now() / 1000);
      const codes = [];
      const options = {
        source: () => [{ alg: "RS256" }, { sub: "customer", iat: now, exp: now + 300 }, 1].map(part).join("."),
        onEvent: ({ type, code }) => type === "widget_answered" && codes.push(code ?? "answered"),
      };
      const made = { omnichannel: slim.authTokenProvider, liveAssist: slim.authoriseChatWithCallback };
      const call = async () => {
        const parts = {};
        for (const [name, make] of Object.entries(made))
          parts[name] = await new Promise((resolve) =>
            make(options)((token) => resolve(token && token.split(".").length)),
          );
        parts.getAuthToken = await slim
          .getAuthToken(options)()
          .then(
            (token) => token.split(".").length,
            (error) => error.code,
          );
        return parts;
      };
      const before = await call();
      await slim.init();
      return { before, after: await call(), codes };
    }),
    {
      before: { omnichannel: null, liveAssist: null, getAuthToken: "WASM_MISSING" },
      after: { omnichannel: 3, liveAssist: 3, getAuthToken: 3 },
      codes: [...Array(3).fill("WASM_MISSING"), ...Array(3).fill("answered")],
    },
  );
});

test("an init that fails says why by WASM_MISSING, and is not remembered", async () => {
  assert.deepEqual(
    await run(async () => {
      const slim = await import("/slim.js");
      const failed = [];
      for (const source of [
        "/missing.wasm",
        "http://127.0.0.1:1/custom_identity_provider.wasm",
        "/page.html",
        new ArrayBuffer(8),
      ]) {
        failed.push(await code(slim.init(source)));
      }
      await slim.init();
      return { failed, then: (await token(slim)).entityId };
    }),
    {
      failed: [
        "IdentityError WASM_MISSING 404",
        "IdentityError WASM_MISSING",
        "IdentityError WASM_MISSING",
        "IdentityError WASM_MISSING",
      ],
      then: "entity",
    },
  );
});

test("a provider asked for before init works when it is asked again after it", async () => {
  assert.deepEqual(
    await run(async () => {
      const slim = await import("/slim.js");
      const early = await code(token(slim));
      await slim.init();
      return { early, late: (await token(slim)).entityId };
    }),
    { early: "IdentityError WASM_MISSING", late: "entity" },
  );
});

test("rule_07_a_sign_out_before_init_is_heard_in_other_tabs, also where no mark can be written", async () => {
  const { page, errors, close } = await browser.page();
  try {
    const tab = await page.context().newPage();
    for (const one of [page, tab]) await one.goto(`${server.url}/page.html`);
    await page.evaluate(async () => {
      const slim = await import("/slim.js");
      await slim.init();
      const provider = slim.custom_identity_provider({
        licenseId: 12345678,
        identity: null,
        source: "/livechat/token",
        onEvent: ({ type }) => {
          if (type === "signed_out") globalThis.found = provider.hasToken();
        },
      });
      await provider.getToken();
    });
    assert.equal(
      await tab.evaluate(async () => {
        Object.defineProperty(globalThis, "localStorage", {
          get: () => {
            throw new DOMException("blocked", "SecurityError");
          },
        });
        const slim = await import("/slim.js");
        return slim.sign_out().catch((error) => error.code);
      }),
      "WASM_MISSING",
    );
    await page.waitForFunction(() => globalThis.found);
    assert.equal(await page.evaluate(() => globalThis.found), false);
    assert.deepEqual(await errors(), []);
  } finally {
    await close();
  }
});
