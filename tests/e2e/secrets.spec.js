// No secret is where it does not belong: not in the page, its address, its console, localStorage, or the servers' logs.

import { expect, test } from "./demo.js";
import { LIVE_ASSIST, OMNICHANNEL, WidgetDemo } from "./widget_demo.js";

test("tokens, the session and the identity stay where they belong", async ({
  demo,
  page,
  context,
  servers,
  standIn,
}) => {
  const said = [];
  const asked = [];
  const tokens = new Set();
  page.on("console", (message) => said.push(message.text()));
  page.on("pageerror", (error) => said.push(String(error)));
  page.on("request", (request) => asked.push(request.url()));
  const reading = [];
  page.on("response", (response) => {
    if (
      /\/(livechat\/(token|transfer)|customer\/token)$/.test(new URL(response.url()).pathname) &&
      response.ok() &&
      response.request().method() === "POST"
    ) {
      reading.push(response.json().then((body) => tokens.add(body.access_token ?? body.identity_transfer_token)));
    }
  });
  await demo.open();
  await demo.signInAndGetToken("Grace Hopper");
  for (const source of ["identity_token grant", "cookie grant", "Function", "Own service"]) {
    await demo.choose(source);
    await demo.press("getFreshToken");
    await expect(demo.outcome).toContainText("getFreshToken resolved after");
  }
  await page.getByLabel("Patience with a failing source").selectOption("none");
  await demo.applyFault("HTML");
  await expect(demo.outcome).toContainText("failed");
  await Promise.all(reading);
  expect(tokens.size).toBe(6);

  const cookies = await context.cookies();
  const session = cookies.find(({ name }) => name === "demo_session");
  expect(session).toMatchObject({ httpOnly: true, sameSite: "Lax" });
  expect(cookies.every(({ httpOnly }) => httpOnly)).toBe(true);
  expect(await page.evaluate(() => document.cookie)).toBe("");

  const stored = await page.evaluate(() => ({
    local: JSON.stringify({ ...localStorage }),
    session: JSON.stringify({ ...sessionStorage }),
  }));
  const shown = await page.content();
  const state = JSON.stringify(await standIn.state());
  const places = { said: said.join(), asked: asked.join(), shown, local: stored.local, logs: servers.output(), state };
  for (const [place, text] of Object.entries(places)) {
    for (const secret of [...tokens, session.value, servers.agentToken]) {
      expect(text.includes(secret), `a secret in ${place}`).toBe(false);
      // Four characters may be shown; five are too many.
      expect(text.includes(secret.slice(-5)), `the end of a secret in ${place}`).toBe(false);
    }
  }
  // The record holds the token and nothing by which to tell whose it is.
  expect(stored.session).toContain("accessToken");
  expect(stored.session).not.toContain("grace");
  expect(stored.local).not.toContain("grace");
  expect(servers.output()).toContain("demo-site");
});

for (const path of [OMNICHANNEL, LIVE_ASSIST]) {
  test(`JWTs and codes stay where they belong on ${path}`, async ({ page, context, servers }) => {
    const demo = new WidgetDemo(page, path);
    const said = [];
    const asked = [];
    const secrets = new Set();
    page.on("console", (message) => said.push(message.text()));
    page.on("pageerror", (error) => said.push(String(error)));
    page.on("request", (request) => asked.push(request.url()));
    const reading = [];
    page.on("response", (response) => {
      const { pathname } = new URL(response.url());
      if (!/\/(omnichannel\/token|live-assist\/(token|code))$/.test(pathname) || !response.ok()) return;
      reading.push(
        response.text().then((text) => {
          const { token, ssoKey } = text.startsWith("{") ? JSON.parse(text) : { token: text };
          secrets.add(token ?? ssoKey);
        }),
      );
    });
    const end = path === OMNICHANNEL ? "Close chat" : "End chat";
    await demo.openAs("Grace Hopper");
    for (const source of ["Own service", "Short lives"]) {
      await demo.choose(source);
      await demo.choose("None");
      await demo.chatAs("Grace Hopper");
      await demo.press(end);
    }
    await demo.choose("Tampered");
    await demo.press("Start chat");
    await expect(demo.verdict).toHaveText("refused");
    await demo.choose("Own service");
    await demo.choose("Session");
    await demo.chatAs("Grace Hopper");
    await demo.press(end);
    if (path === LIVE_ASSIST) {
      for (const flow of ["Code redeemed", "Code with a proof key"]) {
        await demo.choose(flow);
        await demo.chatAs("Grace Hopper");
        await demo.press("Redeem code again");
        await expect(demo.outcome).toContainText("refused");
      }
    }
    await Promise.all(reading);
    expect(reading.length).toBe(path === OMNICHANNEL ? 4 : 6);

    const session = (await context.cookies()).find(({ name }) => name === "demo_session");
    const stored = await page.evaluate(() => ({
      local: JSON.stringify({ ...localStorage }),
      session: JSON.stringify({ ...sessionStorage }),
    }));
    const places = {
      said: said.join(),
      asked: asked.join(),
      shown: await page.content(),
      window: await page.evaluate(() => JSON.stringify(Object.keys(window))),
      local: stored.local,
      logs: servers.output(),
    };
    for (const [place, text] of Object.entries(places)) {
      for (const secret of [...secrets, session.value]) {
        // Header and claims are no secrets: the signature makes a token, and of it not even the end may be told.
        const key = secret.split(".").at(-1);
        expect(text.includes(key), `a secret in ${place}`).toBe(false);
        expect(text.includes(key.slice(-8)), `the end of a secret in ${place}`).toBe(false);
      }
    }
    expect(stored.local).not.toContain("grace");
    expect(stored.session).not.toContain('"grace"');
    expect(await page.evaluate(() => document.cookie)).toBe("");
  });
}
