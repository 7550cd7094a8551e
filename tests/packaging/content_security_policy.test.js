// Pages whose Content-Security-Policy forbids WebAssembly: every method says which directive to add, every callback is answered, and none hangs.

import assert from "node:assert/strict";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { launch } from "./support/chromium.js";
import { project } from "./support/installed_package.js";
import { site } from "./support/site.js";

let installed, browser;
before(async () => {
  installed = project();
  browser = await launch();
  for (const name of ["index.js", "slim.js", "script.js", "custom_identity_provider.wasm"]) {
    copyFileSync(join(installed.package, "dist", name), join(installed.folder, name));
  }
  const call = `
    const code = (promise) => promise.then((value) => value ?? "undefined", (error) => ({ code: error.code, message: error.message, ours: error instanceof IdentityError, cause: error.cause?.name }));
    configure({ licenseId: 12345678 });
    const provider = custom_identity_provider({ licenseId: 12345678, identity: null, source: "/livechat/token" });
    provider.getToken(); // A widget may let a rejection fall: it must not become an unhandled one.
    globalThis.answers = (async () => ({
      getToken: await code(provider.getToken().then((token) => token.accessToken)),
      getFreshToken: await code(provider.getFreshToken().then((token) => token.accessToken)),
      hasToken: await code(provider.hasToken()),
      invalidate: await code(provider.invalidate()),
      sign_out: await code(sign_out()),
    }))();
    // The widgets that are served by callbacks and promises, and what is told of each.
    const events = [];
    const part = (value) => btoa(JSON.stringify(value)).replace(/=+$/, "");
    const now = Math.floor(Date.now() / 1000);
    const source = () => [{ alg: "RS256" }, { sub: "customer", iat: now, exp: now + 300 }, 1].map(part).join(".");
    const options = { source, onEvent: ({ type, widget, ok, code }) => events.push([type, widget, ok, code]) };
    const ask = getAuthToken(options);
    ask(); // A widget may let this rejection fall, too.
    globalThis.widgets = (async () => ({
      omnichannel: await new Promise((resolve) => authTokenProvider(options)((...given) => resolve(given))),
      liveAssist: await new Promise((resolve) => authoriseChatWithCallback(options)((...given) => resolve(given))),
      codeFlow: await new Promise((resolve) => authoriseChatWithCallback({ ...options, flow: "code" })((...given) => resolve(given), "A".repeat(43))),
      getAuthToken: await code(ask()),
      disconnect: typeof connectOmnichannel(options),
      wrong: (() => { try { getAuthToken({ source: 7 }); } catch (error) { return error.code; } })(),
      events,
    }))();
  `;
  const functions =
    "configure, sign_out, IdentityError, authTokenProvider, connectOmnichannel, getAuthToken, authoriseChatWithCallback";
  const names = `custom_identity_provider, ${functions}`;
  installed.write("index_page.js", `import { ${names} } from "/index.js"; ${call}`);
  installed.write("script_page.js", `const { ${functions} } = custom_identity_provider; ${call}`);
  installed.write(
    "slim_page.js",
    `import { ${names}, init } from "/slim.js";
    globalThis.started = init().then(() => "started", (error) => ({ code: error.code, message: error.message, ours: error instanceof IdentityError, cause: error.cause?.name }));
    await globalThis.started;
    ${call}`,
  );
  const html = (scripts) => `<!doctype html><title>Policy</title><link rel="icon" href="/favicon.ico">${scripts}`;
  installed.write("index.html", html('<script type="module" src="/index_page.js"></script>'));
  installed.write("slim.html", html('<script type="module" src="/slim_page.js"></script>'));
  installed.write(
    "script.html",
    html('<script src="/script.js"></script><script type="module" src="/script_page.js"></script>'),
  );
});
after(async () => {
  await browser?.close();
  installed?.remove();
});

const open = async (name, policy) => {
  const server = await site(installed.folder, { policy });
  const { page, errors, close } = await browser.page();
  try {
    await page.goto(`${server.url}/${name}.html`);
    await page.waitForFunction(() => "answers" in globalThis);
    const answers = await page.evaluate(() => globalThis.answers);
    const widgets = await page.evaluate(() => globalThis.widgets);
    const started = await page.evaluate(() => globalThis.started);
    return {
      answers,
      widgets,
      started,
      errors: (await errors()).filter((text) => !text.includes("the option source is wrong")),
    };
  } finally {
    await close();
    await server.close();
  }
};
/** Whatever Chromium itself has to say about a policy is no error of ours. */
const ours = (errors) => errors.filter((error) => !/Content Security Policy/.test(error) || /Uncaught/.test(error));

/** No callback waits, no promise hangs; the page is told why, the person gets a sentence, and wrong options are still thrown. */
const checkWidgets = ({ events, getAuthToken: { message, ...rejection }, ...widgets }) => {
  const reason = "Your sign-in could not be confirmed.";
  assert.deepEqual(widgets, {
    omnichannel: [null],
    liveAssist: [null, reason],
    codeFlow: [null, reason],
    disconnect: "function",
    wrong: "BAD_OPTION",
  });
  assert.deepEqual(rejection, { code: "WASM_BLOCKED", ours: true, cause: "CompileError" });
  assert.match(message, /'wasm-unsafe-eval'/);
  assert.deepEqual(events.map((event) => event.join(" ")).sort(), [
    ...Array(2).fill("widget_answered live_assist false WASM_BLOCKED"),
    ...Array(3).fill("widget_answered omnichannel false WASM_BLOCKED"),
  ]);
};

const methods = ["getToken", "getFreshToken", "hasToken", "invalidate", "sign_out"];

for (const name of ["index", "script"]) {
  test(`${name}.js under script-src 'self': every method rejects with WASM_BLOCKED and names the directive, every callback is answered`, async () => {
    const { answers, widgets, errors } = await open(name, "default-src 'self'; script-src 'self'");
    for (const method of methods) {
      const { message, ...answer } = answers[method];
      assert.deepEqual(answer, { code: "WASM_BLOCKED", ours: true, cause: "CompileError" }, method);
      assert.match(message, /script-src/);
      assert.match(message, /'wasm-unsafe-eval'/);
    }
    checkWidgets(widgets);
    assert.deepEqual(ours(errors), []);
  });
}

test("slim.js under script-src 'self': init rejects with WASM_BLOCKED, and so does every method; every callback is answered", async () => {
  const { answers, widgets, started, errors } = await open("slim", "default-src 'self'; script-src 'self'");
  for (const [method, answer] of [["init", started], ...methods.map((method) => [method, answers[method]])]) {
    assert.equal(answer.code, "WASM_BLOCKED", method);
    assert.match(answer.message, /'wasm-unsafe-eval'/);
  }
  checkWidgets(widgets);
  assert.deepEqual(ours(errors), []);
});

for (const name of ["index", "script", "slim"]) {
  test(`${name}.js with 'wasm-unsafe-eval' works under the same policy`, async () => {
    const { answers, widgets, errors } = await open(name, "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'");
    assert.deepEqual(answers, {
      getToken: "made-by-a-test:1",
      getFreshToken: "made-by-a-test:2",
      hasToken: true,
      invalidate: "undefined",
      sign_out: "undefined",
    });
    const { events, ...given } = widgets;
    const jwt = widgets.getAuthToken;
    assert.equal(jwt.split(".").length, 3);
    assert.deepEqual(given, {
      omnichannel: [jwt],
      liveAssist: [jwt],
      codeFlow: [jwt],
      getAuthToken: jwt,
      disconnect: "function",
      wrong: "BAD_OPTION",
    });
    assert.equal(events.filter(([type, , ok]) => type === "widget_answered" && ok).length, 5);
    assert.deepEqual(errors, []);
  });
}
