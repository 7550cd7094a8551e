// Chromes of earlier years, real ones: each gets its tokens by every entry that it can run, and where it cannot, says so.

import assert from "node:assert/strict";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { launch } from "./support/chromium.js";
import { project } from "./support/installed_package.js";
import { OLD_CHROMES, unpacked } from "./support/old_chrome.js";
import { site } from "./support/site.js";

const ENTRIES = ["index", "inline", "script"];
/** Refuses to compile more than 4 KB of WebAssembly at once on a page's main thread, as all before 115. */
const REFUSING = "chrome-109";
/** Does not know references in WebAssembly, as all before 96. */
const WITHOUT_REFERENCES = "chrome-91";

let installed, server;
/** @type {Record<string, Awaited<ReturnType<typeof launch>>>} */
const browsers = {};
before(async () => {
  installed = project();
  for (const name of [
    "index.js",
    "core.js",
    "core_javascript.js",
    "inline.js",
    "script.js",
    "custom_identity_provider.wasm",
  ]) {
    copyFileSync(join(installed.package, "dist", name), join(installed.folder, name));
  }
  for (const name of ENTRIES) {
    const library =
      name === "script" ? `{ ...custom_identity_provider, custom_identity_provider }` : `await import("/${name}.js")`;
    installed.write(
      `${name}.html`,
      `<!doctype html><title>Page</title><link rel="icon" href="data:,">${name === "script" ? '<script src="/script.js"></script>' : ""}
      <script type="module">
        globalThis.library = ${library};
        globalThis.asked = [];
        globalThis.answer = () => ({ access_token: "made-" + asked.push("livechat"), entity_id: "entity", expires_in: 28800, token_type: "Bearer" });
      </script>`,
    );
  }
  server = await site(installed.folder, {});
  for (const name of Object.keys(OLD_CHROMES)) browsers[name] = await launch(unpacked(name, installed.folder));
});
after(async () => {
  for (const browser of Object.values(browsers)) await browser.close();
  await server?.close();
  installed?.remove();
});

/** Runs a function in a page with one of the entries. */
const run = async (entry, act, browser = REFUSING) => {
  const { page, errors, close } = await browsers[browser].page();
  try {
    await page.goto(`${server.url}/${entry}.html`);
    await page.waitForFunction(() => "answer" in globalThis);
    const result = await page.evaluate(act);
    assert.deepEqual(await errors(), []);
    return result;
  } finally {
    await close();
  }
};

test("the browsers are those", async () => {
  for (const [name, version] of Object.entries(OLD_CHROMES)) assert.match(browsers[name].version(), version);
  const refused = async (browser) =>
    run(
      "index",
      async () => {
        const module = await (await fetch("/custom_identity_provider.wasm")).arrayBuffer();
        try {
          return String(new WebAssembly.Module(module));
        } catch (error) {
          return error.name;
        }
      },
      browser,
    );
  assert.equal(await refused(REFUSING), "RangeError");
  const compiled = async () => {
    const module = await (await fetch("/custom_identity_provider.wasm")).arrayBuffer();
    return WebAssembly.compile(module).then(
      () => "compiled",
      (error) => error.name,
    );
  };
  assert.equal(await run("index", compiled, REFUSING), "compiled");
  assert.equal(await run("index", compiled, WITHOUT_REFERENCES), "CompileError");
});

for (const browser of Object.keys(OLD_CHROMES)) {
  for (const entry of ENTRIES) {
    if (browser === WITHOUT_REFERENCES && entry === "inline") continue;
    test(`${browser}, ${entry}.js: tokens, by one request for all who ask while the core is made ready, and forgotten`, async () => {
      const { form, ...answers } = await run(
        entry,
        async () => {
          let form;
          const options = {
            licenseId: 12345678,
            identity: () => "ada",
            source: async () => answer(),
            onEvent: (event) => (form ??= event.form),
          };
          const providers = [1, 2].map(() => library.custom_identity_provider(options));
          const first = await Promise.all(
            providers.flatMap(({ getToken, hasToken }) => [getToken(), getToken(), hasToken()]),
          );
          const later = await providers[0].getToken();
          await providers[1].invalidate();
          const has = await providers[0].hasToken();
          const fresh = await library.custom_identity_provider(options).getFreshToken();
          await library.sign_out();
          return {
            form,
            first: first.map((token) => token.accessToken ?? token),
            later: later.accessToken,
            has,
            fresh: fresh.accessToken,
            after: await providers[0].hasToken(),
          };
        },
        browser,
      );
      assert.equal(form, browser === WITHOUT_REFERENCES ? "javascript" : "webassembly");
      assert.deepEqual(answers, {
        first: ["made-1", "made-1", false, "made-1", "made-1", false],
        later: "made-1",
        has: false,
        fresh: "made-2",
        after: false,
      });
    });
  }
}

test("where the inline entry cannot run, every method says so in a coded error, and nothing is asked of the source", async () => {
  assert.deepEqual(
    await run(
      "inline",
      async () => {
        const provider = library.custom_identity_provider({ licenseId: 1, identity: null, source: () => answer() });
        const codes = ["getToken", "getFreshToken", "hasToken", "invalidate"].map((method) =>
          provider[method]().then(
            () => "answered",
            (error) => error.code,
          ),
        );
        return [...(await Promise.all(codes)), asked.length];
      },
      WITHOUT_REFERENCES,
    ),
    [...Array(4).fill("WASM_MISSING"), 0],
  );
});

test("a callback is answered, and a call that is ended while the core is compiled is ended", async () => {
  assert.deepEqual(
    await run("inline", async () => {
      const part = (value) => btoa(JSON.stringify(value)).replace(/=+$/, "");
      const now = Math.floor(Date.now() / 1000);
      const source = () => [{ alg: "RS256" }, { sub: "customer", iat: now, exp: now + 300 }, 1].map(part).join(".");
      const controller = new AbortController();
      const left = library
        .custom_identity_provider({ licenseId: 1, identity: null, source: () => answer() })
        .getToken({ signal: controller.signal });
      controller.abort();
      return {
        left: await left.then(
          () => "answered",
          (error) => error.name,
        ),
        jwt: (await new Promise(library.authTokenProvider({ identity: () => "ada", source }))).split(".").length,
      };
    }),
    { left: "AbortError", jwt: 3 },
  );
});

test("a sign-out while the core is compiled ends who waits, and leaves a mark at once", async () => {
  assert.deepEqual(
    await run("inline", async () => {
      const waiting = library
        .custom_identity_provider({ licenseId: 12345678, identity: () => "ada", source: async () => answer() })
        .getToken();
      const before = localStorage.length;
      // As an earlier page of the tab would leave it.
      sessionStorage.setItem("custom_identity_provider:livechat:424242:", "{}");
      const done = library.sign_out();
      const marks = localStorage.length - before;
      const records = sessionStorage.length;
      const code = await waiting.then(
        () => "answered",
        (error) => error.code,
      );
      await done;
      return { marks, records, code };
    }),
    { marks: 1, records: 0, code: "SIGNED_OUT" },
  );
});

test("rule_03_copies_of_the_package_share_one_request_while_each_compiles_the_core", async () => {
  assert.deepEqual(
    await run("inline", async () => {
      const copy = await import("/inline.js?copy");
      const options = {
        licenseId: 12345678,
        identity: () => "ada",
        cache: "memory",
        source: async () => answer(),
      };
      const tokens = await Promise.all(
        [library, copy].map(({ custom_identity_provider }) => custom_identity_provider(options).getToken()),
      );
      return tokens.map((token) => token.accessToken);
    }),
    ["made-1", "made-1"],
  );
});

test("a core that cannot be compiled is told as one, and the next call tries anew", async () => {
  assert.deepEqual(
    await run("inline", async () => {
      const { instantiate } = WebAssembly;
      WebAssembly.instantiate = async () => {
        throw new TypeError("no memory");
      };
      const provider = () =>
        library.custom_identity_provider({ licenseId: 12345678, identity: () => "ada", source: async () => answer() });
      // Nobody listens: neither must become an unhandled rejection.
      provider();
      void provider().hasToken();
      const refused = await Promise.all(
        ["getToken", "hasToken"].map((method) =>
          provider()
            [method]()
            .then(
              () => "answered",
              (error) => error.code,
            ),
        ),
      );
      WebAssembly.instantiate = instantiate;
      return [...refused, (await provider().getToken()).accessToken];
    }),
    ["WASM_MISSING", "WASM_MISSING", "made-1"],
  );
});
