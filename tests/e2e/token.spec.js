// A token's life on the page: fetched, kept over a reload, shared by a burst, expired, refreshed, invalidated.

import { EIGHT_HOURS, TEN_SECONDS, expect, test } from "./demo.js";

test("signing in shows a token, and every field of it", async ({ demo, standIn }) => {
  await demo.open();
  await expect(demo.page.getByText("Nobody is signed in")).toBeVisible();
  await demo.signInAndGetToken("Ada Lovelace");
  await expect(demo.field("accessToken")).toHaveText(/^\d+ characters, ending in .{4}$/);
  await expect(demo.field("entityId")).toHaveText(/^[0-9a-f-]{36}$/);
  await expect(demo.field("tokenType")).toHaveText("Bearer");
  await expect(demo.field("expiresIn")).toHaveText(EIGHT_HOURS);
  await expect(demo.field("licenseId")).toHaveText("12345678");
  await expect(demo.life).toHaveAttribute("aria-valuetext", /^7 h 59 min of 7 h 59 min$/);
  expect(await standIn.tokensIssued()).toBe(1);
});

test("a reload is answered from sessionStorage and asks nobody", async ({ demo, page, standIn }) => {
  await demo.open();
  const entity = await demo.signInAndGetToken("Ada Lovelace");
  const end = await demo.tokenEnd();
  const asked = [];
  page.on("request", (request) => asked.push(new URL(request.url()).pathname));
  await page.reload();
  await expect(demo.log.filter({ hasText: "a token was found in sessionStorage" })).toHaveCount(1);
  await expect(demo.field("entityId")).toHaveText(entity);
  expect(await demo.tokenEnd()).toBe(end);
  expect(asked).toContain("/site/session");
  expect(asked).not.toContain("/livechat/token");
  expect((await standIn.state()).requests).toHaveLength(1);
});

test("a burst of 20 calls is one request", async ({ demo, page }) => {
  await demo.open();
  await demo.signInAndGetToken("Ada Lovelace");
  await demo.press("invalidate");
  await expect(demo.hasToken).toHaveText("hasToken: false");
  const sent = [];
  page.on("request", (request) => sent.push(`${request.method()} ${new URL(request.url()).pathname}`));
  await demo.press("Burst of 20 calls");
  await expect(demo.outcome).toContainText(/20 calls resolved after .* with 1 request\./);
  expect(sent.filter((request) => request !== "GET /stand-in/state")).toEqual(["POST /livechat/token"]);
  await expect(demo.counter("calls for a token")).toHaveText("21");
  await expect(demo.counter("requests sent")).toHaveText("2");
  await expect(demo.log.filter({ hasText: "joined request 2" })).toHaveCount(19);
});

test("a token that expires in 10 s drains, expires, and the next call asks for another", async ({ demo, standIn }) => {
  // In real time: the service keeps tokens by a clock of its own.
  await demo.open();
  await demo.signInAndGetToken("Ada Lovelace");
  const first = await demo.tokenEnd();
  await demo.press("Expire in 10 s");
  await expect(demo.field("expiresIn")).toHaveText(TEN_SECONDS);
  await expect(demo.hasToken).toHaveText("hasToken: true");
  const short = await demo.tokenEnd();
  expect(short).not.toBe(first);
  await expect(demo.life).toHaveAttribute("aria-valuetext", /^[1-4] s of [4-9] s$/);
  await expect(demo.hasToken).toHaveText("hasToken: false", { timeout: 15_000 });
  await expect(demo.life).toHaveAttribute("aria-valuetext", "expired");
  await expect(demo.outcome).toHaveText("The token has expired: the next getToken asks for another.");
  const issued = await standIn.tokensIssued();
  await demo.press("getToken");
  await expect(demo.hasToken).toHaveText("hasToken: true");
  await expect(demo.field("expiresIn")).toHaveText(EIGHT_HOURS);
  expect(await demo.tokenEnd()).not.toBe(short);
  expect(await standIn.tokensIssued()).toBe(issued + 1);
});

test("invalidate forgets the token in the page and in storage", async ({ demo, page }) => {
  const stored = () => page.evaluate(() => Object.values(sessionStorage).join());
  await demo.open();
  await demo.signInAndGetToken("Ada Lovelace");
  expect(await stored()).toContain("accessToken");
  await demo.press("invalidate");
  await expect(demo.outcome).toContainText("invalidate resolved after");
  await expect(demo.hasToken).toHaveText("hasToken: false");
  await expect(demo.field("accessToken")).toHaveText("–");
  await expect(demo.life).toHaveAttribute("aria-valuetext", "no token");
  expect(await stored()).not.toContain("accessToken");
  await demo.press("hasToken");
  await expect(demo.outcome).toContainText("hasToken resolved");
  await expect(demo.outcome).toContainText("false");
  await demo.press("getToken");
  await expect(demo.hasToken).toHaveText("hasToken: true");
});

test("caching in memory ends with the page", async ({ demo, page }) => {
  await demo.open();
  await demo.signInAndGetToken("Ada Lovelace");
  await demo.choose("Memory");
  await expect(demo.hasToken).toHaveText("hasToken: false");
  await demo.press("getToken");
  await expect(demo.hasToken).toHaveText("hasToken: true");
  await demo.press("getToken");
  await expect(demo.log.first()).toContainText("answered from the cache");
  expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
});

test("without caching every getToken asks", async ({ demo }) => {
  await demo.open();
  await demo.signInAndGetToken("Ada Lovelace");
  await demo.choose("None");
  for (const requests of ["2", "3", "4"]) {
    await demo.press("getToken");
    await expect(demo.counter("requests sent")).toHaveText(requests);
    await expect(demo.outcome).toContainText("with a token of");
  }
  await demo.press("hasToken");
  await expect(demo.outcome).toContainText("with false");
});

test("a change of caching is written as the page's own code", async ({ demo }) => {
  await demo.open();
  const code = demo.page.getByRole("region", { name: "As the page would write it" });
  await expect(code).not.toContainText("cache:");
  await demo.choose("Memory");
  await expect(code).toContainText('cache: "memory"');
  await demo.choose("identity_token grant");
  await expect(code).toContainText('grant: "identity_token"');
});
