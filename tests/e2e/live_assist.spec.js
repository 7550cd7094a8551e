// Live Assist's page: both flows, expiry with a conversation running, codes that are good once, and who is not signed in.

import { expect, test as base } from "./demo.js";
import { CONTACTS, LIVE_ASSIST, WidgetDemo } from "./widget_demo.js";

const test = base.extend({ demo: async ({ page }, use) => use(new WidgetDemo(page, LIVE_ASSIST)) });

test("implicit flow: the conversation starts authenticated, with name and attributes", async ({ demo }) => {
  await demo.openAs("Ada Lovelace");
  await demo.chatAs("Ada Lovelace");
  await expect(demo.agent("name")).toHaveText("Ada Lovelace");
  await expect(demo.agent("attributes")).toContainText("ctmrinfo");
  await expect(demo.field("given_name")).toHaveText("Ada");
  await expect(demo.field("family_name")).toHaveText("Lovelace");
  await expect(demo.field("iat")).toHaveText(/^\d{10} /);
  await expect(demo.field("exp")).toHaveText(/^\d{10} /);
  await expect(demo.conversation).toContainText("Hello Ada!");
  await expect(demo.button("Redeem code again")).toBeDisabled();
  await expect(demo.logged("Live Assist checked the token by the configured key")).toHaveCount(1);
});

for (const [flow, hasChallenge] of [
  ["Code redeemed", false],
  ["Code with a proof key", true],
]) {
  test(`${flow}: the service redeems it, and the browser never has the token`, async ({ demo, page }) => {
    const sent = [];
    page.on(
      "request",
      (request) =>
        request.method() === "POST" && sent.push({ path: new URL(request.url()).pathname, body: request.postData() }),
    );
    const answers = [];
    page.on(
      "response",
      (response) => /live-assist/.test(response.url()) && answers.push(response.text().catch(() => "")),
    );
    await demo.openAs("Grace Hopper");
    await demo.choose(flow);
    await demo.chatAs("Grace Hopper");
    await expect(demo.agent("name")).toHaveText("Grace Hopper");
    await expect(demo.logged("with a code challenge")).toHaveCount(hasChallenge ? 1 : 0);
    await expect(demo.logged("brought a code")).toHaveCount(1);
    expect(sent.map(({ path }) => path).slice(1)).toEqual([
      "/stand-in/live-assist/engagement",
      "/live-assist/code",
      "/stand-in/live-assist/redeem",
    ]);
    const asked = sent.find(({ path }) => path === "/live-assist/code");
    expect(/"code_challenge":"[\w-]{43}"/.test(asked.body ?? "")).toBe(hasChallenge);
    expect((await Promise.all(answers)).join()).not.toMatch(/eyJ|client_secret|verifier/);

    // A thief who saw the code comes too late.
    await demo.press("Redeem code again");
    await expect(demo.outcome).toContainText("The second redemption was refused");
    await expect(demo.outcome).toContainText("invalid_grant");
    await expect(demo.state).toHaveText("authenticated");

    // Every conversation has a code of its own.
    await demo.press("End chat");
    await demo.expectNobody();
    await demo.chatAs("Grace Hopper");
    await expect(demo.logged("brought a code")).toHaveCount(2);
  });
}

test("a code that was never issued is refused, and the survey comes", async ({ demo }) => {
  await demo.openAs("Ada Lovelace");
  await demo.choose("Code redeemed");
  await demo.choose("Tampered");
  await demo.press("Start chat");
  await expect(demo.state).toHaveText("offline survey");
  await expect(demo.outcome).toContainText("invalid_grant");
});

test("a code stolen before its proof: another engagement cannot redeem it", async ({ demo, page, baseURL }) => {
  // Holds the redemption back, so that the thief comes first.
  let stolen;
  await page.route("**/stand-in/live-assist/redeem", async (route) => {
    stolen = route.request().postDataJSON();
    const post = (path, data) => page.request.post(path, { data, headers: { origin: baseURL } });
    const mine = await (await post("/stand-in/live-assist/engagement", { proof_key: true, short_lived: false })).json();
    const answer = await post("/stand-in/live-assist/redeem", { ...stolen, engagement: mine.engagement });
    stolen = { status: answer.status(), detail: (await answer.json()).detail };
    await route.continue();
  });
  await demo.openAs("Ada Lovelace");
  await demo.choose("Code with a proof key");
  await demo.press("Start chat");
  await expect.poll(() => stolen?.status).toBe(422);
  expect(stolen.detail).toContain("invalid_grant");
});

test.describe("tokens of 5 s", () => {
  test.use({ shortLifetime: 5 });

  for (const flow of ["Implicit", "Code with a proof key"]) {
    // In real time: the service signs by a clock of its own.
    test(`${flow}: upon expiry the page is asked again, and the running conversation goes on`, async ({ demo }) => {
      await demo.openAs("Ada Lovelace");
      await demo.choose(flow);
      await demo.choose("Short lives");
      await demo.chatAs("Ada Lovelace");
      const first = await demo.field("exp").innerText();
      await expect(demo.logged("the conversation goes on with a refreshed JWT")).toHaveCount(1);
      await expect(demo.state).toHaveText("authenticated");
      await expect(demo.field("exp")).not.toHaveText(first);
      await expect(demo.agent("contact")).toHaveText(CONTACTS["Ada Lovelace"]);
      await expect(demo.conversation).toContainText("The page gave a refreshed JWT; the conversation goes on.");
      await expect(demo.logged("the conversation started")).toHaveCount(1);
      await expect(demo.logged("the conversation goes on with a refreshed JWT")).toHaveCount(2);
    });
  }

  test("upon expiry without a refreshed JWT the conversation stops", async ({ demo, page }) => {
    await demo.openAs("Ada Lovelace");
    await demo.choose("Short lives");
    await demo.chatAs("Ada Lovelace");
    await page.route("**/live-assist/token", (route) => route.fulfill({ status: 403, json: {} }));
    await expect(demo.state).toHaveText("stopped");
    await expect(demo.outcome).toContainText("The conversation was stopped");
    await expect(demo.logged("without a token: REFUSED")).toHaveCount(1);
    await demo.expectNobody();
  });
});

test("the method is called by the name that is configured", async ({ demo, page }) => {
  await demo.openAs("Alan Turing");
  const method = page.getByLabel("JS method name");
  await method.fill("lpGetAuthenticationToken");
  await method.press("Enter");
  expect(
    await page.evaluate(() => [typeof window.lpGetAuthenticationToken, typeof window.authoriseChatWithCallback]),
  ).toEqual(["function", "undefined"]);
  await demo.chatAs("Alan Turing");
  await expect(demo.logged("Live Assist calls lpGetAuthenticationToken")).toHaveCount(1);
  await expect(demo.snippet).toContainText("window.lpGetAuthenticationToken = authoriseChatWithCallback({");
  // A name that is taken is refused, and nothing of the page is overwritten.
  await method.fill("fetch");
  await method.press("Enter");
  expect(await page.evaluate(() => fetch.toString())).toContain("[native code]");
  expect(await method.evaluate((input) => input.validity.valid)).toBe(false);
});

test("not signed in: the page asks to sign in, and the conversation begins", async ({ demo }) => {
  await demo.open(LIVE_ASSIST);
  await expect(demo.page.getByText("Nobody is signed in")).toBeVisible();
  await demo.press("Start chat");
  await expect(demo.dialog).toBeVisible();
  await expect(demo.logged("nobody is signed in: the page asks somebody to")).toHaveCount(1);
  await demo.dialog.getByRole("button", { name: "Grace Hopper" }).click();
  await expect(demo.dialog).toBeHidden();
  await expect(demo.page.getByText("Signed in as Grace Hopper")).toBeVisible();
  await expect(demo.state).toHaveText("authenticated");
  await expect(demo.agent("contact")).toHaveText(CONTACTS["Grace Hopper"]);
  await expect(demo.logged("the callback was called with")).toHaveCount(1);
});

for (const [form, shown] of [
  ["callback(null, reason)", "null"],
  ['callback("", reason)', "empty_string"],
  ["callback({}, reason)", "empty_object"],
]) {
  test(`not signed in and not willing: the offline survey, ${form}`, async ({ demo, page }) => {
    await demo.open(LIVE_ASSIST);
    await expect(page.getByText("Nobody is signed in")).toBeVisible();
    await page.getByLabel("Failures are said as").selectOption(form);
    const told = await page.evaluate(() => {
      const method = window.authoriseChatWithCallback;
      window.told = [];
      window.authoriseChatWithCallback = (callback) =>
        method((...given) => (window.told.push(given), callback(...given)));
      return window.told;
    });
    expect(told).toEqual([]);
    await demo.press("Start chat");
    await demo.dialog.getByRole("button", { name: "Not now" }).click();
    await expect(demo.state).toHaveText("offline survey");
    await expect(demo.outcome).toContainText("Please sign in to start a chat.");
    await expect(demo.conversation).toContainText("Please leave your question in our survey.");
    const first = { null: null, empty_string: "", empty_object: {} }[shown];
    expect(await page.evaluate(() => window.told)).toEqual([[first, "Please sign in to start a chat."]]);
    await demo.expectNobody();
  });
}

test("a sign-in in another tab answers the question here", async ({ demo, context }) => {
  await demo.open(LIVE_ASSIST);
  await expect(demo.page.getByText("Nobody is signed in")).toBeVisible();
  await demo.press("Start chat");
  await expect(demo.dialog).toBeVisible();
  const other = new WidgetDemo(await context.newPage(), LIVE_ASSIST);
  await other.openAs("Ada Lovelace");
  await expect(demo.dialog).toBeHidden();
  await expect(demo.state).toHaveText("authenticated");
  await expect(demo.agent("contact")).toHaveText(CONTACTS["Ada Lovelace"]);
});

test("a switch of customer ends the conversation and never shows the other's contact", async ({ demo }) => {
  await demo.openAs("Ada Lovelace");
  for (const flow of ["Implicit", "Code redeemed"]) {
    await demo.choose(flow);
    await demo.signIn("Ada Lovelace");
    await demo.chatAs("Ada Lovelace");
    await demo.press("Grace Hopper");
    await expect(demo.page.getByText("Signed in as Grace Hopper")).toBeVisible();
    await demo.expectNobody();
    const seen = await demo.watchContacts();
    await demo.chatAs("Grace Hopper");
    expect(await seen()).toEqual([CONTACTS["Grace Hopper"]]);
  }
});

test("sign-out ends the conversation", async ({ demo }) => {
  await demo.openAs("Ada Lovelace");
  await demo.chatAs("Ada Lovelace");
  await demo.signOut();
  await expect(demo.state).toHaveText("no chat");
});

test("a tampered token is refused, and the survey comes", async ({ demo }) => {
  await demo.openAs("Ada Lovelace");
  await demo.choose("Tampered");
  await demo.press("Start chat");
  await expect(demo.state).toHaveText("offline survey");
  await expect(demo.outcome).toContainText("its signature is not of the published key");
  await expect(demo.verdict).toHaveText("refused");
});

for (const flow of ["Implicit", "Code redeemed"]) {
  test(`${flow}: a source that is silent is answered within 8 s`, async ({ demo, page }) => {
    await page.clock.install();
    await demo.openAs("Ada Lovelace");
    await demo.choose(flow);
    await demo.choose("Silent");
    const [began, ended] = [demo.momentOf("asking"), demo.momentOf("offline survey")];
    await demo.press("Start chat");
    await expect(demo.logged("was called")).toHaveCount(1);
    const survey = demo.page.getByText("offline survey", { exact: true }).first();
    for (let second = 0; second < 12 && !(await survey.isVisible()); second++) await page.clock.runFor(1000);
    await expect(demo.state).toHaveText("offline survey");
    expect((await ended) - (await began)).toBeLessThan(9100);
    await expect(demo.outcome).toContainText("Please try again later.");
  });
}
