// Microsoft's own chat SDK with our getAuthToken: the real package, against a stand-in of the service that it talks to.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import * as esbuild from "esbuild";
import { launch } from "./support/chromium.js";
import { project } from "./support/installed_package.js";
import { omnichannel, organization, signer } from "./support/omnichannel.js";
import { site } from "./support/site.js";

let installed, browser, server;
before(async () => {
  installed = project(["@microsoft/omnichannel-chat-sdk"]);
  browser = await launch();
  installed.write(
    "chat_sdk.js",
    `
    import { OmnichannelChatSDK } from "@microsoft/omnichannel-chat-sdk";
    import { getAuthToken, sign_out } from "custom-identity-provider";
    Object.assign(globalThis, { OmnichannelChatSDK, getAuthToken, sign_out });
  `,
  );
  await esbuild.build({
    entryPoints: [join(installed.folder, "chat_sdk.js")],
    outfile: join(installed.folder, "built/chat_sdk.js"),
    // Microsoft's packages are written for Node too, and say by these fields what browsers get.
    bundle: true,
    format: "iife",
    mainFields: ["browser", "module", "main"],
    define: { "process.env.NODE_ENV": '"production"', global: "globalThis" },
    logLevel: "error",
  });
  installed.write(
    "chat_sdk.html",
    '<!doctype html><title>Chat SDK</title><link rel="icon" href="data:,"><script src="/built/chat_sdk.js"></script>',
  );
  server = await site(installed.folder);
});
after(async () => {
  await server?.close();
  await browser?.close();
  installed?.remove();
});

/**
 * A page with the SDK, configured with our getAuthToken; `chat` and `calls`, of getAuthToken, are its globals.
 * @param {object} [settings]
 * @param {string | null} [settings.customer] who is signed in
 * @param {boolean} [settings.authenticated] whether the widget has authentication settings
 * @param {number} [settings.status] what the page's service answers with, where not with a token
 */
const start = async ({ customer = "customer-1", authenticated = true, status = 200 } = {}) => {
  const { page, errors, close } = await browser.page();
  const keys = signer();
  const service = await omnichannel(page, keys, { authenticated });
  const issued = [];
  await page.route("**/omnichannel/token", async (route) => {
    const signedIn = await page.evaluate(() => globalThis.customer);
    issued.push(keys.token(signedIn));
    await route.fulfill({ status, json: status === 200 ? { token: issued.at(-1) } : {} });
  });
  await page.goto(`${server.url}/chat_sdk.html`);
  await page.evaluate(
    ({ organization, customer }) => {
      Object.assign(globalThis, { customer, calls: 0 });
      const give = getAuthToken({ identity: () => globalThis.customer, source: "/omnichannel/token", patience: 0 });
      globalThis.ours = (...given) => {
        globalThis.calls += 1;
        return give(...given);
      };
      globalThis.chat = new OmnichannelChatSDK(organization, { getAuthToken: ours, telemetry: { disable: true } });
    },
    { organization, customer },
  );
  return {
    page,
    errors,
    issued,
    service,
    close,
    /** Initialises the SDK and starts a chat; answers with the error's name where it does not start. */
    chat: () =>
      page.evaluate(async () => {
        await chat.initialize();
        return chat.startChat().then(
          () => "started",
          (error) => error.message,
        );
      }),
    calls: () => page.evaluate(() => globalThis.calls),
  };
};

test("chat-sdk authenticates the chat, and each later request, with our token", async () => {
  const { page, errors, issued, service, chat, close } = await start();
  try {
    assert.equal(await chat(), "started");
    await page.evaluate(() => chat.getConversationDetails().then(() => chat.endChat()));
    assert.deepEqual(
      service.requests.map(({ path, subject, token }) => [path.split("/")[2], subject, token === issued[0]]),
      [
        ["config", undefined, false],
        ["auth", "customer-1", true],
        ["auth", "customer-1", true],
        ["auth", "customer-1", true],
      ],
    );
    assert.deepEqual(await errors(), []);
  } finally {
    await close();
  }
});

test("rule_03_chat_sdk_asks_at_initialize_and_at_once_again_at_startChat_and_the_source_is_asked_once", async () => {
  const { issued, service, chat, calls, close } = await start();
  try {
    // The SDK does not wait for the token at initialize, so startChat finds none yet.
    assert.equal(await chat(), "started");
    assert.equal(await calls(), 2);
    assert.equal(issued.length, 1);
    assert.deepEqual(
      service.to("conversation").map(({ subject }) => subject),
      ["customer-1"],
    );
  } finally {
    await close();
  }
});

test("chat-sdk goes on unauthenticated, and never asks, where the widget has no authentication settings", async () => {
  const { errors, issued, service, chat, calls, close } = await start({ customer: null, authenticated: false });
  try {
    assert.equal(await chat(), "started");
    assert.deepEqual(
      service.to("conversation").map(({ token }) => token),
      [undefined],
    );
    assert.deepEqual([await calls(), issued.length], [0, 0]);
    assert.deepEqual(await errors(), []);
  } finally {
    await close();
  }
});

test("chat-sdk refuses with UndefinedAuthToken a chat that has to be authenticated when nobody is signed in", async () => {
  const { errors, issued, service, chat, calls, close } = await start({ customer: null });
  try {
    assert.equal(await chat(), "UndefinedAuthToken");
    assert.deepEqual([await calls(), issued.length, service.to("conversation").length], [2, 0, 0]);
    assert.deepEqual(await errors(), []);
  } finally {
    await close();
  }
});

test("chat-sdk takes a service's 401 as null: UndefinedAuthToken, not a failure", async () => {
  const { issued, service, chat, close } = await start({ status: 401 });
  try {
    assert.equal(await chat(), "UndefinedAuthToken");
    assert.deepEqual([issued.length, service.to("conversation").length], [1, 0]);
  } finally {
    await close();
  }
});

test("chat-sdk gets the token of who signed in between initialize and startChat", async () => {
  const { page, issued, service, close } = await start({ customer: null });
  try {
    await page.evaluate(() => chat.initialize());
    await page.waitForFunction(() => globalThis.calls === 1);
    assert.equal(
      await page.evaluate(() => {
        globalThis.customer = "customer-2";
        return chat.startChat().then(
          () => "started",
          (error) => error.message,
        );
      }),
      "started",
    );
    assert.equal(issued.length, 1);
    assert.deepEqual(
      service.to("conversation").map(({ subject }) => subject),
      ["customer-2"],
    );
  } finally {
    await close();
  }
});

test("chat-sdk starts no chat, and says GetAuthTokenFailed, when our service is down: a customer must not become a stranger", async () => {
  const { issued, service, chat, errors, close } = await start({ status: 503 });
  try {
    assert.equal(await chat(), "GetAuthTokenFailed");
    assert.deepEqual([issued.length, service.to("conversation").length], [1, 0]);
    assert.deepEqual(
      (await errors()).filter((error) => !/Failed to load resource/.test(error)),
      [],
    );
  } finally {
    await close();
  }
});

test("chat-sdk authenticates a conversation in its middle by setAuthTokenProvider, with who signed in meanwhile", async () => {
  const { page, service, issued, chat, errors, close } = await start({ customer: null, authenticated: false });
  try {
    assert.equal(await chat(), "started");
    await page.evaluate(async () => {
      await chat.getConversationDetails();
      globalThis.customer = "customer-1";
      await chat.setAuthTokenProvider(ours, { throwError: true });
      await chat.getConversationDetails();
    });
    const details = service.requests.filter(({ path }) => path.includes("getliveworkitemdetails"));
    assert.deepEqual(
      details.map(({ subject, token }) => [subject, token]),
      [
        [undefined, undefined],
        ["customer-1", issued[0]],
      ],
    );
    assert.deepEqual(await errors(), []);
  } finally {
    await close();
  }
});

test("chat-sdk is given the next customer's own token by setAuthTokenProvider, and none after sign_out", async () => {
  const { page, service, chat, close } = await start();
  try {
    assert.equal(await chat(), "started");
    assert.equal(
      await page.evaluate(async () => {
        globalThis.customer = "customer-2";
        await chat.setAuthTokenProvider(ours, { throwError: true });
        await chat.getConversationDetails();
        globalThis.customer = null;
        await sign_out();
        return chat.setAuthTokenProvider(ours, { throwError: true }).then(
          () => "authenticated",
          (error) => error.message,
        );
      }),
      "UndefinedAuthToken",
    );
    assert.deepEqual(
      service.requests.filter(({ token }) => token).map(({ subject }) => subject),
      ["customer-1", "customer-2"],
    );
  } finally {
    await close();
  }
});
