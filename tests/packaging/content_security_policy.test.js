// Pages whose Content-Security-Policy forbids WebAssembly, Trusted Types and all: the core comes as JavaScript; only what has no second form says which directive to add.

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
  for (const name of ["index.js", "core.js", "core_javascript.js", "inline.js", "script.js"]) {
    copyFileSync(join(installed.package, "dist", name), join(installed.folder, name));
  }
  const html = (scripts) => `<!doctype html><title>Policy</title><link rel="icon" href="/favicon.ico">${scripts}`;
  const call = `
    const code = (promise) => promise.then((value) => value ?? "undefined", (error) => ({ code: error.code, message: error.message, ours: error instanceof IdentityError, cause: error.cause?.name, retryable: error.retryable }));
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
  for (const entry of ["index", "inline"]) {
    installed.write(`${entry}_page.js`, `import { ${names} } from "/${entry}.js"; ${call}`);
    installed.write(`${entry}.html`, html(`<script nonce="of-a-test" type="module" src="/${entry}_page.js"></script>`));
  }
  installed.write("script_page.js", `const { ${functions} } = custom_identity_provider; ${call}`);
  installed.write(
    "script.html",
    html(
      '<script nonce="of-a-test" src="/script.js"></script><script nonce="of-a-test" type="module" src="/script_page.js"></script>',
    ),
  );
});
after(async () => {
  await browser?.close();
  installed?.remove();
});

const open = async (name, policy, intercept) => {
  const server = await site(installed.folder, { policy, intercept });
  const { page, errors, close } = await browser.page();
  try {
    await page.goto(`${server.url}/${name}.html`);
    await page.waitForFunction(() => "answers" in globalThis);
    const answers = await page.evaluate(() => globalThis.answers);
    const widgets = await page.evaluate(() => globalThis.widgets);
    return {
      answers,
      widgets,
      errors: (await errors()).filter((text) => !text.includes("the option source is wrong")),
      chunks: server.requests.filter((path) => path.includes("core")),
    };
  } finally {
    await close();
    await server.close();
  }
};
/** Whatever Chromium itself has to say about a policy or a file that is missing is no error of ours. */
const ours = (errors) =>
  errors.filter((error) => !/Content Security Policy|Failed to load resource/.test(error) || /Uncaught/.test(error));

/** Every method answers and every callback is given its token. */
const checkAnswers = ({ answers, widgets }) => {
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
};

/** No callback waits, no promise hangs; the page is told why, the person gets a sentence, and wrong options are still thrown. */
const checkRefusals = ({ answers, widgets }, check) => {
  const { events, getAuthToken, ...given } = widgets;
  const reason = getAuthToken.retryable
    ? "Your sign-in cannot be confirmed at the moment. Please try again later."
    : "Your sign-in could not be confirmed.";
  assert.deepEqual(given, {
    omnichannel: [null],
    liveAssist: [null, reason],
    codeFlow: [null, reason],
    disconnect: "function",
    wrong: "BAD_OPTION",
  });
  const { sign_out, ...refused } = answers;
  for (const answer of [...Object.values(refused), getAuthToken]) check(answer);
  // To sign out nobody needs a core.
  assert.equal(sign_out, "undefined");
  assert.deepEqual(events.map(([type, widget, ok]) => `${type} ${widget} ${ok}`).sort(), [
    ...Array(2).fill("widget_answered live_assist false"),
    ...Array(3).fill("widget_answered omnichannel false"),
  ]);
};

const strict = {
  "script-src 'self'": "default-src 'self'; script-src 'self'",
  "a nonce, 'strict-dynamic' and Trusted Types":
    "default-src 'self'; script-src 'nonce-of-a-test' 'strict-dynamic'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
};

for (const [name, policy] of Object.entries(strict)) {
  for (const entry of ["index", "script"]) {
    test(`${entry}.js under ${name} gets its tokens, by the core as JavaScript`, async () => {
      const found = await open(entry, policy);
      checkAnswers(found);
      assert.deepEqual(ours(found.errors), []);
      assert.deepEqual(found.chunks, ["/core_javascript.js"]);
    });
  }

  test(`inline.js under ${name}: every method rejects with WASM_BLOCKED and names the directive, every callback is answered`, async () => {
    const found = await open("inline", policy);
    checkRefusals(found, ({ message, ...answer }) => {
      assert.deepEqual(answer, { code: "WASM_BLOCKED", ours: true, cause: "CompileError", retryable: false });
      assert.match(message, /script-src/);
      assert.match(message, /'wasm-unsafe-eval'/);
    });
    assert.deepEqual(ours(found.errors), []);
  });
}

test("index.js where WebAssembly is forbidden and the core as JavaScript can't be had either: WASM_BLOCKED, every callback is answered", async () => {
  const found = await open("index", strict["script-src 'self'"], (path, response) =>
    path === "/core_javascript.js" ? response.writeHead(404).end() : false,
  );
  checkRefusals(found, ({ code, ours, retryable, cause }) => {
    const isRepeated = code === "COOLING_DOWN";
    assert.deepEqual([ours, retryable], [true, true]);
    assert.deepEqual([code, cause], isRepeated ? [code, "IdentityError"] : ["WASM_BLOCKED", "TypeError"]);
  });
  assert.deepEqual(ours(found.errors), []);
});

for (const entry of ["index", "script", "inline"]) {
  test(`${entry}.js with 'wasm-unsafe-eval' works under the same policy, by WebAssembly`, async () => {
    const found = await open(entry, "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'");
    checkAnswers(found);
    assert.deepEqual(found.errors, []);
    assert.deepEqual(found.chunks, entry === "inline" ? [] : ["/core.js"]);
  });
}
