// What an application does with the package, whatever bundled it, and how a page with it is held against what it must do in a browser.

import assert from "node:assert/strict";

/**
 * The lines of an application: it recognises errors at once, and uses a provider when it is told to: a token from a function, one from a URL, an error.
 * @param {string} [entry]
 */
export const application = (entry = "custom-identity-provider") => `
  import { custom_identity_provider, IdentityError, sign_out } from "${entry}";
  const organizationId = "organization-of-the-function";
  globalThis.isOurs = (error) => error instanceof IdentityError;
  globalThis.setUp = () => custom_identity_provider({ organizationId, identity: null, source: async () => ({
    access_token: "made-by-the-page", entity_id: "entity-of-the-function", expires_in: 28800, token_type: "Bearer",
  }), onEvent: ({ type, form }) => { if (type === "core_started") globalThis.form = form; } });
  globalThis.use = async (provider) => ({
    fromFunction: (await provider.getToken()).accessToken,
    fromUrl: (await custom_identity_provider({ organizationId: "organization", identity: null, source: "/livechat/token" }).getToken()).entityId,
    refused: await Promise.resolve().then(() => custom_identity_provider({ organizationId, identity: null, source: 7 })).catch((error) => isOurs(error) && error.code),
    signedOut: await sign_out(),
    hasToken: await provider.hasToken(),
  });
`;

/** A page that loads it. */
export const html =
  '<!doctype html><title>Built</title><link rel="icon" href="data:,"><script type="module" src="./main.js"></script>';

/** The bytes with which every WebAssembly begins, however a bundler writes what is no letter, in the forms that the package carries them. */
const MARKS = { webassembly: /asm(\x01|\\x01|\\u0001|\\1)/, javascript: /["'`]javascript["'`]/ };

/**
 * Loads the page and uses the package. Answers with when each form of the core came: "start" where it was there before any factory call, "call" where
 * it was fetched after that, undefined where it was not.
 * @param {Awaited<ReturnType<typeof import("./chromium.js").launch>>} browser
 * @param {string} url
 * @param {{failing?: boolean}} [settings] whether the first answer for the chunk with the core is that there is none
 */
export const useInBrowser = async (browser, url, { failing = false } = {}) => {
  const { page, errors, close } = await browser.page();
  try {
    /** @type {{when: "start" | "call", body: Promise<string>}[]} */
    const scripts = [];
    /** @type {"start" | "call"} */
    let when = "start";
    page.on("response", (response) => {
      if (response.request().resourceType() === "script") scripts.push({ when, body: response.text().catch(() => "") });
    });
    await page.goto(url);
    await page.waitForFunction(() => "setUp" in globalThis);
    // Whatever the page fetched by itself has begun before this.
    await page.evaluate(async () => void (await fetch("/livechat/nothing")).text());
    when = "call";
    let refused = 0;
    if (failing) {
      await page.evaluate(() => (Math.random = () => 0));
      await page.route("**/*", async (route) => {
        if (refused || route.request().resourceType() !== "script") return route.fallback();
        refused += 1;
        return route.abort();
      });
    }
    const answers = await page.evaluate(() => globalThis.use(globalThis.setUp()));
    assert.deepEqual(answers, {
      fromFunction: "made-by-the-page",
      fromUrl: "entity",
      refused: "BAD_OPTION",
      signedOut: undefined,
      hasToken: false,
    });
    assert.equal(refused, failing ? 1 : 0);
    // A wrong option is said in the console, too, and so is a file that could not be had.
    const unexpected = /the option source is wrong|Failed to load resource/;
    assert.deepEqual(
      (await errors()).filter((text) => !unexpected.test(text)),
      [],
    );
    const form = await page.evaluate(() => globalThis.form);
    const came = {};
    for (const script of scripts) {
      const body = await script.body;
      for (const [name, mark] of Object.entries(MARKS)) if (mark.test(body)) came[name] ??= script.when;
    }
    return { form, ...came };
  } finally {
    await close();
  }
};
