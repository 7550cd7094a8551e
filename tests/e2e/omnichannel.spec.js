// Omnichannel's page: chats start authenticated, nobody gets another's, and every failure is an answer in time and an event with its meaning.

import { generateKeyPair, exportSPKI } from "jose";

import { expect, test as base } from "./demo.js";
import { CONTACTS, OMNICHANNEL, WidgetDemo } from "./widget_demo.js";

const test = base.extend({ demo: async ({ page }, use) => use(new WidgetDemo(page, OMNICHANNEL)) });

test("a chat starts authenticated: contact, contexts, claims, signature, life", async ({ demo }) => {
  await demo.openAs("Ada Lovelace");
  await demo.chatAs("Ada Lovelace");
  await expect(demo.outcome).toContainText("The chat started authenticated");
  await expect(demo.agent("cart_value")).toHaveText("249.9");
  await expect(demo.agent("is_vip")).toHaveText("true");
  await expect(demo.field("alg")).toHaveText("RS256");
  await expect(demo.field("typ")).toHaveText("JWT");
  await expect(demo.field("kid")).toHaveText(/^.{8,}$/);
  await expect(demo.field("iss")).toHaveText("shop.example");
  await expect(demo.field("nbf")).toHaveText(/^\d{10} /);
  await expect(demo.field("lwicontexts")).toHaveText(/^\{"/);
  await expect(demo.life).toHaveAttribute("aria-valuetext", /^(59 min \d+ s|1 h 0 min) of 1 h 0 min$/);
  await expect(demo.conversation).toContainText("Your record is open in front of me");
  await expect(demo.logged("the callback was answered with what it asked for")).toHaveCount(1);
  await expect(demo.logged("request 1 brought a token")).toHaveCount(1);
});

test("a customer without contexts chats without", async ({ demo }) => {
  await demo.openAs("Alan Turing");
  await demo.chatAs("Alan Turing");
  await expect(demo.field("lwicontexts")).toHaveCount(0);
  await expect(demo.page.locator("[data-agent]")).toHaveCount(1);
});

test("a second chat is answered from the cache; session caching survives a reload", async ({ demo, page }) => {
  const asked = [];
  page.on("request", (request) => request.method() === "POST" && asked.push(new URL(request.url()).pathname));
  await demo.openAs("Ada Lovelace");
  await demo.choose("Session");
  await demo.chatAs("Ada Lovelace");
  await demo.press("Close chat");
  await demo.expectNobody();
  await demo.chatAs("Ada Lovelace");
  await expect(demo.logged("answered from the cache")).toHaveCount(1);
  await page.reload();
  await demo.choose("Session");
  await demo.chatAs("Ada Lovelace");
  await expect(demo.logged("a token was found in sessionStorage")).toHaveCount(1);
  expect(asked).toEqual(["/site/sign-in", "/omnichannel/token"]);
});

test("a widget that asks twice gets two answers of one request", async ({ demo }) => {
  await demo.openAs("Ada Lovelace");
  await demo.page.getByRole("checkbox", { name: "It asks twice" }).check();
  await demo.chatAs("Ada Lovelace");
  await expect(demo.logged("the widget asks its provider")).toHaveCount(2);
  await expect(demo.logged("the callback was answered with what it asked for")).toHaveCount(2);
  await expect(demo.logged(/request \d+ began/)).toHaveCount(1);
  await expect(demo.logged("for the 2. time")).toHaveCount(0);
});

test("a widget that is ready before the page connects is connected all the same", async ({ demo }) => {
  await demo.openAs("Ada Lovelace");
  await demo.choose("Before the page connects");
  await demo.chatAs("Ada Lovelace");
});

test("a widget that is never ready is waited for without harm", async ({ demo }) => {
  await demo.openAs("Ada Lovelace");
  await demo.choose(/^Never/);
  await expect(demo.state).toHaveText("not ready");
  await expect(demo.button("Start chat")).toBeDisabled();
  await expect(demo.logged("was called")).toHaveCount(0);
  await demo.choose("A moment after the page connects");
  await demo.chatAs("Ada Lovelace");
});

test("startChat: the page starts the chat as soon as the widget is ready", async ({ demo }) => {
  await demo.openAs("Ada Lovelace");
  await expect(demo.state).toHaveText("ready");
  await demo.page.getByRole("checkbox", { name: "The page starts the chat at once" }).check();
  await expect(demo.state).toHaveText("authenticated");
  await expect(demo.agent("contact")).toHaveText(CONTACTS["Ada Lovelace"]);
  await expect(demo.snippet).toContainText("startChat: true");
});

test("a connection that was undone leaves the widget without a provider", async ({ demo, page }) => {
  await demo.openAs("Ada Lovelace");
  await expect(demo.state).toHaveText("ready");
  await demo.press("Disconnect");
  await demo.press("Start chat");
  await expect(demo.outcome).toContainText("lcw:error 8");
  expect(await page.evaluate(() => window.Microsoft.Omnichannel.LiveChatWidget.SDK.getAuthTokenProvider())).toBe(null);
  await demo.press("Connect");
  await demo.chatAs("Ada Lovelace");
});

test("a switch of customer ends the chat and never shows the other's contact", async ({ demo }) => {
  await demo.openAs("Ada Lovelace");
  await demo.chatAs("Ada Lovelace");
  await demo.press("Grace Hopper");
  await expect(demo.page.getByText("Signed in as Grace Hopper")).toBeVisible();
  await demo.expectNobody();
  const seen = await demo.watchContacts();
  await demo.chatAs("Grace Hopper");
  await expect(demo.agent("is_vip")).toHaveText("false");
  expect(await seen()).toEqual([CONTACTS["Grace Hopper"]]);
});

test("a switch while the token is under way: the late one starts nobody's chat", async ({ demo, page }) => {
  let letGo;
  const held = new Promise((resolve) => (letGo = resolve));
  let isFirst = true;
  await page.route("**/omnichannel/token", async (route) => {
    const answer = await route.fetch();
    if (isFirst) {
      isFirst = false;
      await held;
    }
    await route.fulfill({ response: answer }).catch(() => {});
  });
  await demo.openAs("Ada Lovelace");
  await demo.press("Start chat");
  await expect.poll(() => isFirst).toBe(false);
  const seen = await demo.watchContacts();
  await demo.press("Grace Hopper");
  await expect(page.getByText("Signed in as Grace Hopper")).toBeVisible();
  letGo();
  await demo.chatAs("Grace Hopper");
  expect(await seen()).toEqual([CONTACTS["Grace Hopper"]]);
});

test("sign-out ends the chat, and the next one has no token: lcw:error 3", async ({ demo }) => {
  await demo.openAs("Ada Lovelace");
  await demo.chatAs("Ada Lovelace");
  await demo.signOut();
  await demo.press("Start chat");
  await expect(demo.outcome).toContainText("lcw:error 3 – Auth token provider didn't provide any token");
  await expect(demo.state).toHaveText("error 3");
  await expect(demo.logged("the callback was answered without a token: NOT_SIGNED_IN")).toHaveCount(1);
  await expect(demo.logged("lcw:error 3: the authentication token provider gave no token")).toHaveCount(1);
  await expect(demo.timeline).toHaveAccessibleName(/3 answers\. The log lists them\.$/);
});

test("a sign-out in another tab ends the chat here", async ({ demo, context }) => {
  await demo.openAs("Ada Lovelace");
  await demo.chatAs("Ada Lovelace");
  const other = new WidgetDemo(await context.newPage(), OMNICHANNEL);
  await other.open(OMNICHANNEL);
  await other.press("Sign out");
  await expect(demo.page.getByText("Nobody is signed in")).toBeVisible();
  await demo.expectNobody();
});

test.describe("tokens of 5 s", () => {
  test.use({ shortLifetime: 5 });

  // In real time: the service signs by a clock of its own.
  test("a token expires, and the next chat gets another", async ({ demo }) => {
    await demo.openAs("Ada Lovelace");
    await demo.choose("Short lives");
    await expect(demo.snippet).toContainText('"/short-lived/omnichannel/token"');
    await demo.chatAs("Ada Lovelace");
    await expect(demo.life).toHaveAttribute("aria-valuetext", /^([1-5] s of 5 s|expired)$/);
    const first = await demo.field("exp").innerText();
    await expect(demo.life).toHaveAttribute("aria-valuetext", "expired");
    await demo.press("Close chat");
    await demo.chatAs("Ada Lovelace");
    await expect(demo.logged("request 2 brought a token")).toHaveCount(1);
    await expect(demo.field("exp")).not.toHaveText(first);
  });
});

test("margin: a token within it counts as expired", async ({ demo }) => {
  await demo.openAs("Ada Lovelace");
  await demo.choose("Short lives");
  await demo.page.getByLabel("Margin before a token’s end").selectOption("60 s");
  await expect(demo.snippet).toContainText("margin: 60000");
  for (const requests of [1, 2]) {
    await demo.chatAs("Ada Lovelace");
    await expect(demo.logged("brought a token")).toHaveCount(requests);
    await demo.press("Close chat");
  }
});

test("a tampered token is lcw:error 4, and forgotten", async ({ demo }) => {
  await demo.openAs("Ada Lovelace");
  await demo.choose("Tampered");
  await demo.press("Start chat");
  await expect(demo.outcome).toContainText("lcw:error 4 – Auth token provider provided invalid token");
  await expect(demo.outcome).toContainText("its signature is not of the published key");
  await expect(demo.verdict).toHaveText("refused");
  await expect(demo.logged("lcw:error 4: Omnichannel calls the token invalid")).toHaveCount(1);
  await expect(demo.logged("the token was forgotten")).toHaveCount(1);
  await demo.choose("Own service");
  await demo.chatAs("Ada Lovelace");
  await expect(demo.logged("answered from the cache")).toHaveCount(0);
});

test("a token by a key that is published no more is lcw:error 4", async ({ demo, page }) => {
  const { publicKey } = await generateKeyPair("RS256", { extractable: true });
  await page.route("**/omnichannel/public-keys", async (route) => {
    const [{ kid }] = await (await route.fetch()).json();
    const pem = await exportSPKI(publicKey);
    await route.fulfill({
      json: [{ kid, publicKey: Buffer.from(pem).toString("base64"), expiry: Math.floor(Date.now() / 1000) + 3600 }],
    });
  });
  await demo.openAs("Ada Lovelace");
  await demo.press("Start chat");
  await expect(demo.outcome).toContainText("its signature is not of the published key");
  await expect(demo.agent("contact")).toHaveText("–");
});

/** Starts a chat and puts the clock forward until the callback was answered; how long that took by the page's clock. */
const answerOf = async (demo, page) => {
  const [began, ended] = [demo.momentOf("asking"), demo.momentOf("the callback was answered")];
  await demo.press("Start chat");
  await expect(demo.state).toHaveText("asking");
  const answered = demo.logged(/the callback was answered/);
  for (let second = 0; second < 12 && (await answered.count()) === 0; second++) await page.clock.runFor(1000);
  await expect(answered).toHaveCount(1);
  return (await ended) - (await began);
};

for (const source of ["Silent", "Down"]) {
  test(`a source that is ${source.toLowerCase()}: the callback is answered within 8 s`, async ({ demo, page }) => {
    await page.clock.install();
    await demo.openAs("Ada Lovelace");
    await page.clock.runFor(1000);
    await demo.choose(source);
    // Up to one step of the clock more.
    expect(await answerOf(demo, page)).toBeLessThan(9100);
    await expect(demo.outcome).toContainText("lcw:error 3");
    await expect(demo.logged("no answer within 10 s")).toHaveCount(0);
    await expect(demo.logged(/the callback was answered without a token: (TIMED_OUT|UNAVAILABLE)/)).toHaveCount(1);
  });
}

test("a service that was stopped: the failure is shown within 8 s, nothing hangs", async ({ demo, page, servers }) => {
  await page.clock.install();
  await demo.openAs("Ada Lovelace");
  await page.clock.runFor(1000);
  await expect(demo.state).toHaveText("ready");
  await servers.stop();
  expect(await answerOf(demo, page)).toBeLessThan(9100);
  await expect(demo.outcome).toContainText("lcw:error 3");
  await expect(demo.logged(/without a token: (TIMED_OUT|NETWORK)/)).toHaveCount(1);
});

test("where no core can be loaded the widget is answered, and the page says why", async ({ demo, page }) => {
  await page.route("**/pkg/core*.js", (route) => route.abort());
  await demo.open("/no-wasm/omnichannel.html");
  await demo.signIn("Ada Lovelace");
  await demo.press("Start chat");
  await expect(demo.outcome).toContainText("lcw:error 3", { timeout: 15_000 });
  await expect(page.getByRole("alert")).toContainText("WASM_BLOCKED");
});
