// LiveChat's own clients with our provider: the real Customer SDK against a scripted socket, and the real React widget.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import * as esbuild from "esbuild";
import { launch } from "./support/chromium.js";
import { project } from "./support/installed_package.js";
import { site } from "./support/site.js";

let installed, browser, server;
before(async () => {
  installed = project(["@livechat/customer-sdk", "@livechat/widget-react", "react", "react-dom"]);
  browser = await launch();
  installed.write(
    "customer_sdk.js",
    `
    import { init } from "@livechat/customer-sdk";
    import { IdentityError, custom_identity_provider } from "custom-identity-provider";
    Object.assign(globalThis, { init, IdentityError, custom_identity_provider });
  `,
  );
  installed.write(
    "widget_react.js",
    `
    import { createElement } from "react";
    import { createRoot } from "react-dom/client";
    import { LiveChatWidget } from "@livechat/widget-react";
    import { custom_identity_provider } from "custom-identity-provider";
    const provider = () => custom_identity_provider({ licenseId: 12345678, identity: () => "customer-1", source: "/livechat/token" });
    createRoot(document.querySelector("main")).render(createElement(LiveChatWidget, { license: "12345678", customIdentityProvider: provider }));
  `,
  );
  for (const name of ["customer_sdk", "widget_react"]) {
    await esbuild.build({
      entryPoints: [join(installed.folder, `${name}.js`)],
      outfile: join(installed.folder, `built/${name}.js`),
      bundle: true,
      format: "iife",
      define: { "process.env.NODE_ENV": '"production"' },
      logLevel: "error",
    });
    installed.write(
      `${name}.html`,
      `<!doctype html><title>${name}</title><link rel="icon" href="data:,"><main></main><script src="/built/${name}.js"></script>`,
    );
  }
  server = await site(installed.folder);
});
after(async () => {
  await server?.close();
  await browser?.close();
  installed?.remove();
});

/** What LiveChat's server says to a customer that it lets in. */
const welcome = {
  customer: {
    id: "entity",
    statistics: {
      chats_count: 0,
      threads_count: 0,
      visits_count: 1,
      page_views_count: 1,
      greetings_shown_count: 0,
      greetings_accepted_count: 0,
    },
  },
  chats: [],
  __priv_dynamic_config: { online_groups_ids: [0], customer_groups: { monitoring: { id: 0 } } },
};

/**
 * Starts the SDK in a page. The provider's source answers with numbered tokens after `delay` ms.
 * @param {object} script
 * @param {("welcome" | "authentication")[]} [script.logins] how logins are answered, in order; then all are welcome
 * @param {number} [script.lifetime] of the tokens, in seconds
 * @param {number} [script.delay]
 * @param {boolean} [script.warm] a token is fetched before the SDK starts
 * @param {boolean} [script.late] the socket opens only after a request has failed
 * @param {{from: number, code: string, message: string} | null} [script.refused] how the source fails, and from which request on
 */
const start = async ({
  logins: replies = [],
  lifetime = 28_800,
  delay = 50,
  warm = false,
  late = false,
  refused = null,
}) => {
  const { page, errors, close } = await browser.page();
  const tokens = [];
  let socket;
  await page.route(/livechat(inc)?\.com/, (route) => route.fulfill({ status: 204 }));
  let sockets = 0;
  await page.routeWebSocket(/livechat(inc)?\.com/, async (opened) => {
    socket = opened;
    sockets += 1;
    opened.onMessage((text) => {
      const frame = JSON.parse(String(text));
      if (frame.action !== "login") return;
      tokens.push(frame.payload.token);
      const reply = replies.shift() ?? "welcome";
      opened.send(
        JSON.stringify({
          request_id: frame.request_id,
          action: "login",
          type: "response",
          success: reply === "welcome",
          payload: reply === "welcome" ? welcome : { error: { type: reply, message: reply } },
        }),
      );
    });
    if (late) await page.waitForFunction(() => globalThis.failed);
  });
  await page.goto(`${server.url}/customer_sdk.html`);
  await page.evaluate(
    async ({ lifetime, delay, warm, late, refused }) => {
      globalThis.calls = [];
      globalThis.asked = 0;
      globalThis.told = [];
      const provider = custom_identity_provider({
        organizationId: "organization",
        identity: () => "customer-1",
        patience: 0,
        onEvent: (event) => {
          if (event.type === "call") calls.push(event.method);
          if (event.type === "request_failed") globalThis.failed = true;
        },
        source: async () => {
          const number = ++asked;
          await new Promise((resolve) => setTimeout(resolve, delay));
          // Unless it is to come first, a failure waits until the SDK has asked at its start and at the socket's opening.
          while (refused && !late && calls.filter((method) => method === "getToken").length < 2) {
            await new Promise((resolve) => setTimeout(resolve, 10));
          }
          if (refused && number >= refused.from) throw new IdentityError(refused.code, refused.message);
          return { access_token: `made-${number}`, entity_id: "entity", expires_in: lifetime, token_type: "Bearer" };
        },
      });
      if (warm) await provider.getToken();
      calls.length = 0;
      const sdk = init(
        { organizationId: "organization", clientId: "client", identityProvider: () => provider },
        "production",
        12345678,
      );
      for (const name of ["connected", "disconnected", "customer_id"])
        sdk.on(name, (fact) => told.push([name, fact?.reason ?? fact?.customer?.id ?? fact]));
    },
    { lifetime, delay, warm, late, refused },
  );
  return {
    page,
    errors,
    tokens,
    close,
    sockets: () => sockets,
    push: (frame) => socket.send(JSON.stringify(frame)),
    /** Waits until the page has this. */
    until: (condition, argument) => page.waitForFunction(condition, argument),
    facts: () => page.evaluate(() => ({ calls, asked, told })),
  };
};
const connected = (times) => globalThis.told.filter(([name]) => name === "connected").length === times;

test("customer-sdk logs in with our token, and its calls at the start share one request (rule 3)", async () => {
  const sdk = await start({});
  try {
    await sdk.until(connected, 1);
    const { calls, asked, told } = await sdk.facts();
    assert.deepEqual([...new Set(calls)].sort(), ["getToken", "hasToken"]);
    assert.deepEqual(told, [
      ["customer_id", "entity"],
      ["connected", "entity"],
    ]);
    assert.deepEqual(sdk.tokens, ["Bearer made-1"]);
    assert.equal(asked, 1);
    assert.deepEqual(await sdk.errors(), []);
  } finally {
    await sdk.close();
  }
});

test("rule_01_customer_sdk_after_an_authentication_error_logs_in_with_the_fresh_token", async () => {
  // The fresh token takes longer than the SDK's way back to its getToken, which has to join.
  const sdk = await start({ logins: ["authentication"], delay: 1_500 });
  try {
    await sdk.until(connected, 1);
    assert.deepEqual(sdk.tokens, ["Bearer made-1", "Bearer made-2"]);
    assert.equal((await sdk.facts()).asked, 2);
    assert.deepEqual(await sdk.errors(), []);
  } finally {
    await sdk.close();
  }
});

test("rule_01_customer_sdk_after_access_token_expired_logs_in_with_the_fresh_token", async () => {
  const sdk = await start({ delay: 500 });
  try {
    await sdk.until(connected, 1);
    sdk.push({ action: "customer_disconnected", type: "push", payload: { reason: "access_token_expired" } });
    await sdk.until(connected, 2);
    assert.deepEqual(sdk.tokens, ["Bearer made-1", "Bearer made-2"]);
    assert.equal((await sdk.facts()).asked, 2);
    assert.deepEqual(await sdk.errors(), []);
  } finally {
    await sdk.close();
  }
});

test("customer-sdk reuses a token that lives for long, with no request", async () => {
  const sdk = await start({ warm: true });
  try {
    await sdk.until(connected, 1);
    assert.deepEqual(sdk.tokens, ["Bearer made-1"]);
    assert.equal((await sdk.facts()).asked, 1);
  } finally {
    await sdk.close();
  }
});

test("rule_05_customer_sdk_replaces_a_token_with_less_than_an_hour_by_invalidate_then_getFreshToken", async () => {
  const sdk = await start({ warm: true, lifetime: 1_800 });
  try {
    await sdk.until(connected, 1);
    await sdk.until(() => globalThis.asked === 2);
    const { calls } = await sdk.facts();
    assert.ok(calls.indexOf("invalidate") < calls.indexOf("getFreshToken"), calls.join());
    assert.deepEqual(await sdk.errors(), []);
  } finally {
    await sdk.close();
  }
});

for (const late of [false, true]) {
  test(`customer-sdk stops at once, and says why, when LiveChat refuses the customer for good${late ? ", also before its socket is open" : ""}`, async () => {
    const sdk = await start({ late, refused: { from: 1, code: "SSO_IDENTITY_EXCEPTION", message: "access_denied" } });
    try {
      await sdk.until(() => globalThis.told.length > 0);
      const { told, asked } = await sdk.facts();
      assert.deepEqual(
        { told, asked, sockets: sdk.sockets(), tokens: sdk.tokens },
        { told: [["disconnected", "access_denied"]], asked: 1, sockets: 1, tokens: [] },
      );
      assert.deepEqual(await sdk.errors(), []);
    } finally {
      await sdk.close();
    }
  });
}

test("rule_04_customer_sdk_lets_a_failed_getFreshToken_fall_and_the_usable_token_survives", async () => {
  const refused = { from: 2, code: "SOURCE_FAILED", message: "down" };
  const sdk = await start({ logins: ["authentication"], refused });
  try {
    await sdk.until(connected, 1);
    assert.deepEqual(sdk.tokens, ["Bearer made-1", "Bearer made-1"]);
    assert.equal((await sdk.facts()).asked, 2);
    assert.deepEqual(await sdk.errors(), []);
  } finally {
    await sdk.close();
  }
});

test("widget-react puts our provider where the widget looks for it, and it yields the four methods", async () => {
  const { page, errors, close } = await browser.page();
  try {
    await page.route(/livechat(inc)?\.com/, (route) =>
      route.fulfill({ status: 200, contentType: "text/javascript", body: "" }),
    );
    await page.goto(`${server.url}/widget_react.html`);
    await page.waitForFunction(() => globalThis.__lc?.custom_identity_provider);
    assert.deepEqual(
      await page.evaluate(async () => {
        const { getToken, getFreshToken, hasToken, invalidate } = globalThis.__lc.custom_identity_provider();
        const token = await getToken();
        return {
          license: globalThis.__lc.license,
          licenseId: token.licenseId,
          has: await hasToken(),
          renewed: (await getFreshToken()).accessToken !== token.accessToken,
          invalidated: (await invalidate()) === undefined,
          gone: !(await hasToken()),
        };
      }),
      { license: 12345678, licenseId: 12345678, has: true, renewed: true, invalidated: true, gone: true },
    );
    assert.deepEqual(await errors(), []);
  } finally {
    await close();
  }
});
