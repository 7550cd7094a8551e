// A core that crashes: nobody is left waiting, neither a promise nor a callback, and every later call says so.

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
  copyFileSync(join(installed.package, "dist/inline.js"), join(installed.folder, "index.js"));
  installed.write("trap.html", '<!doctype html><title>Trap</title><link rel="icon" href="data:,">');
  server = await site(installed.folder);
});
after(async () => {
  await server?.close();
  await browser?.close();
  installed?.remove();
});

/** Makes every function that the core exports crash while `armed`, as after a trap: by a RuntimeError. */
const injected = () => {
  globalThis.armed = false;
  globalThis.traps = 0;
  const Real = WebAssembly.Instance;
  WebAssembly.Instance = function (module, imports) {
    const exports = { ...new Real(module, imports).exports };
    for (const [name, value] of Object.entries(exports)) {
      if (typeof value !== "function") continue;
      exports[name] = (...call) => {
        if (!globalThis.armed) return value(...call);
        globalThis.traps += 1;
        throw new WebAssembly.RuntimeError("unreachable");
      };
    }
    return { exports };
  };
};

/** Runs in a page whose core can be made to crash; answers with what it returns, the number of crashes, and errors that nobody handled. */
const run = async (work) => {
  const { page, errors, close } = await browser.page();
  try {
    await page.addInitScript(injected);
    await page.goto(`${server.url}/trap.html`);
    const answers = await page.evaluate(work);
    return { answers, traps: await page.evaluate(() => globalThis.traps), errors: await errors() };
  } finally {
    await close();
  }
};

test("rule_18_a_trap_in_a_call_settles_it_and_who_waits_and_every_later_call", async () => {
  const { answers, traps, errors } = await run(async () => {
    const { custom_identity_provider, sign_out, IdentityError } = await import("/index.js");
    const code = (promise) =>
      promise.then(
        () => "resolved",
        (error) => (error instanceof IdentityError ? error.code : String(error)),
      );
    const options = { licenseId: 12345678, identity: null, source: () => new Promise(() => {}) };
    const provider = custom_identity_provider(options);
    const waiting = [
      provider.getToken(),
      provider.getFreshToken(),
      custom_identity_provider({ ...options, licenseId: 87654321 }).getToken(),
    ];
    globalThis.armed = true;
    provider.getToken(); // Nobody listens: it must not become an unhandled rejection.
    const call = provider.getToken();
    return {
      call: await code(call),
      cause: await call.catch((error) => error.cause instanceof WebAssembly.RuntimeError),
      waiting: await Promise.all(waiting.map(code)),
      later: await Promise.all(
        ["getToken", "getFreshToken", "hasToken", "invalidate"].map((method) => code(provider[method]())),
      ),
      another: await code(custom_identity_provider(options).hasToken()),
      sign_out: await code(sign_out()),
    };
  });
  assert.deepEqual(answers, {
    call: "WASM_TRAPPED",
    cause: true,
    waiting: Array(3).fill("WASM_TRAPPED"),
    later: Array(4).fill("WASM_TRAPPED"),
    another: "WASM_TRAPPED",
    sign_out: "WASM_TRAPPED",
  });
  assert.ok(traps > 0);
  // A browser may report the crash itself, where no caller of ours could catch it.
  assert.deepEqual(
    errors.filter((error) => !error.startsWith("RuntimeError: unreachable")),
    [],
  );
});

test("rule_25_a_trap_ends_what_was_lent", async () => {
  const { answers } = await run(async () => {
    const { custom_identity_provider } = await import("/index.js");
    const answer = { access_token: "a", entity_id: "entity", expires_in: 3600, token_type: "Bearer" };
    const provider = custom_identity_provider({ licenseId: 12345678, identity: null, source: async () => answer });
    await provider.getToken();
    Date.now = () => 1_800_000_000_000;
    provider.invalidate();
    await provider.getToken();
    for (let call = 0; call < 20; call += 1) await provider.getToken();
    globalThis.armed = true;
    // A burst is answered without the core, until that is needed.
    const lent = (await provider.getToken()).accessToken;
    await provider.hasToken().catch(() => {});
    return { lent, later: await provider.getToken().catch((error) => error.code) };
  });
  assert.deepEqual(answers, { lent: "a", later: "WASM_TRAPPED" });
});

// Here the first to crash is what takes the source's answer, with no caller to tell.
test("rule_18_a_trap_after_the_source_answered_settles_who_waits_and_every_later_call", async () => {
  const { answers, traps } = await run(async () => {
    const { custom_identity_provider, IdentityError } = await import("/index.js");
    const code = (promise) =>
      promise.then(
        () => "resolved",
        (error) => (error instanceof IdentityError ? error.code : String(error)),
      );
    let answer;
    const provider = custom_identity_provider({
      licenseId: 12345678,
      identity: null,
      timeout: 100,
      patience: 100,
      source: () =>
        new Promise((resolve) => {
          answer = resolve;
        }),
    });
    const waiting = [provider.getToken(), provider.getFreshToken()];
    while (!answer) await new Promise((resolve) => setTimeout(resolve));
    globalThis.armed = true;
    answer({ access_token: "made-by-the-page", entity_id: "entity", expires_in: 28800, token_type: "Bearer" });
    const began = performance.now();
    return {
      waiting: await Promise.all(waiting.map(code)),
      later: await Promise.all(
        ["getToken", "getFreshToken", "hasToken", "invalidate"].map((method) => code(provider[method]())),
      ),
      soon: performance.now() - began < 10_000,
    };
  });
  assert.deepEqual(answers, {
    waiting: Array(2).fill("WASM_TRAPPED"),
    later: Array(4).fill("WASM_TRAPPED"),
    soon: true,
  });
  assert.ok(traps > 0);
});

// Two callbacks wait when the core crashes with nobody to tell; a third comes later. The page's clock is Playwright's.
test("rule_14_a_trap_leaves_no_callback_waiting_longer_than_8_s", async () => {
  const { page, close } = await browser.page();
  try {
    await page.addInitScript(injected);
    await page.clock.install();
    await page.goto(`${server.url}/trap.html`);
    await page.evaluate(async () => {
      const { authTokenProvider, authoriseChatWithCallback, getAuthToken } = await import("/index.js");
      globalThis.heard = { given: [], events: [], after: [] };
      const began = Date.now();
      const told = ({ type, widget, ok, code }) => type === "widget_answered" && heard.events.push([widget, ok, code]);
      let answer;
      const source = () =>
        new Promise((resolve) => {
          answer = resolve;
        });
      const omnichannel = { source, onEvent: told };
      const liveAssist = { source: () => new Promise(() => {}), onEvent: told };
      const take =
        (name) =>
        (...given) => {
          heard.given.push([name, ...given]);
          heard.after.push(Date.now() - began);
        };
      authTokenProvider(omnichannel)(take("omnichannel"));
      authoriseChatWithCallback(liveAssist)(take("live_assist"));
      while (!answer) await new Promise((resolve) => setTimeout(resolve));
      globalThis.armed = true;
      answer("header.claims.signature");
      while (!globalThis.traps) await new Promise((resolve) => setTimeout(resolve));
      globalThis.later = () =>
        Promise.all([
          new Promise(authTokenProvider(omnichannel)).then(take("omnichannel, later")),
          new Promise(authoriseChatWithCallback(liveAssist)).then(take("live_assist, later")),
          getAuthToken(omnichannel)().catch((error) => take("getAuthToken, later")(error.code)),
        ]);
    });
    await page.clock.runFor(8_000);
    const once = await page.evaluate(() => globalThis.heard);
    assert.deepEqual(once.given.map(([name, token]) => [name, token]).sort(), [
      ["live_assist", null],
      ["omnichannel", null],
    ]);
    for (const [, ok, code] of once.events) assert.ok(ok === false && /^(WASM_TRAPPED|TIMED_OUT)$/.test(code), code);
    for (const after of once.after) assert.ok(after < 9_000, `answered after ${after} ms`);
    // Who comes later is told at once.
    await page.evaluate(() => globalThis.later());
    const { given, events } = await page.evaluate(() => globalThis.heard);
    assert.deepEqual(
      given
        .slice(2)
        .map(([name, token]) => [name, token])
        .sort(),
      [
        ["getAuthToken, later", "WASM_TRAPPED"],
        ["live_assist, later", null],
        ["omnichannel, later", null],
      ],
    );
    assert.deepEqual(
      events.slice(2).map(([, ...told]) => told),
      Array(3).fill([false, "WASM_TRAPPED"]),
    );
  } finally {
    await close();
  }
});
