// Who is who: the same customer on two devices, two customers on one machine, two tabs.

import { Demo, expect, test } from "./demo.js";

/** Everything that a page could still know of somebody: its document, both storages, the token that any method gives. */
const everything = (page) =>
  page.evaluate(async () => {
    const provider = window.__lc.custom_identity_provider();
    const answers = await Promise.allSettled([provider.getToken(), provider.getToken()]);
    return JSON.stringify({
      document: document.documentElement.outerHTML,
      session: { ...sessionStorage },
      local: { ...localStorage },
      answers: answers.map(({ value, reason }) => value ?? reason.code),
    });
  });

/** The token that the page holds, read as its widget would. */
const heldToken = (page) => page.evaluate(() => window.__lc.custom_identity_provider().getToken());

test("the same customer on two devices is one entity", async ({ demo, browser, baseURL, standIn }) => {
  await demo.open();
  const here = await demo.signInAndGetToken("Ada Lovelace");
  const device = await browser.newContext({ baseURL });
  const there = new Demo(await device.newPage());
  await there.open();
  await expect(there.page.getByText("Nobody is signed in")).toBeVisible();
  expect(await there.signInAndGetToken("Ada Lovelace")).toBe(here);
  expect(await standIn.customers()).toBe(1);
  await device.close();
});

test("two devices at the same moment still are one entity", async ({ browser, baseURL, standIn }) => {
  const devices = await Promise.all([1, 2, 3].map(() => browser.newContext({ baseURL })));
  const demos = await Promise.all(devices.map(async (device) => new Demo(await device.newPage())));
  await Promise.all(demos.map((demo) => demo.open()));
  const entities = await Promise.all(demos.map((demo) => demo.signInAndGetToken("Grace Hopper")));
  expect(new Set(entities).size).toBe(1);
  expect(await standIn.customers()).toBe(1);
  await Promise.all(devices.map((device) => device.close()));
});

for (const way of ["switching", "signing out first", "with a reload in between"]) {
  test(`two customers one after the other on one machine never meet, ${way}`, async ({
    demo,
    page,
    baseURL,
    standIn,
  }) => {
    await demo.open();
    const ada = await demo.signInAndGetToken("Ada Lovelace");
    const { accessToken } = await heldToken(page);
    expect(await everything(page)).toContain(accessToken);
    if (way === "signing out first") {
      await demo.press("Sign out");
      await expect(page.getByText("Nobody is signed in")).toBeVisible();
      await expect(demo.field("entityId")).toHaveText("–");
      const left = await everything(page);
      expect(left).not.toContain(accessToken);
      expect(left).not.toContain(ada);
      expect(left).toContain("NOT_SIGNED_IN");
    }
    if (way === "with a reload in between") {
      // Somebody else signs in while the page is away: its storage still holds the former customer's record.
      await page.goto("about:blank");
      const answer = await page
        .context()
        .request.post("/site/sign-in", { data: { customer: "grace" }, headers: { origin: baseURL } });
      expect(answer.status()).toBe(204);
      await demo.open();
      await expect(page.getByText("Signed in as Grace Hopper")).toBeVisible();
      await expect(demo.log.filter({ hasText: "a stored record was removed: scope" })).toHaveCount(1);
      await expect(demo.hasToken).toHaveText("hasToken: true");
    } else {
      await demo.signInAndGetToken("Grace Hopper");
    }
    expect(await demo.entity()).not.toBe(ada);
    const known = await everything(page);
    expect(known).not.toContain(accessToken);
    expect(known).not.toContain(ada);
    // And back again: the same entity as before, by a token of its own.
    expect(await demo.signInAndGetToken("Ada Lovelace")).toBe(ada);
    expect(await standIn.customers()).toBe(2);
  });
}

test("a switch while a slow answer is under way: the late token never shows", async ({ demo, page, standIn }) => {
  await demo.open();
  const ada = await demo.signInAndGetToken("Ada Lovelace");
  await page.evaluate(() => {
    // Notes every entity id that ever stands on the page from now on.
    window.seen = [];
    const field = () => window.seen.push(document.querySelector('[data-field="entityId"]')?.textContent);
    new MutationObserver(field).observe(document.body, { childList: true, subtree: true, characterData: true });
  });
  const issued = await standIn.tokensIssued();
  await demo.applyFault("Slow");
  // The slow request has reached the accounts: its token is made, and only its answer is late.
  await expect.poll(() => standIn.tokensIssued()).toBe(issued + 1);
  await demo.press("No faults");
  await demo.press("Grace Hopper");
  await expect(page.getByText("Signed in as Grace Hopper")).toBeVisible();
  await expect(demo.log.filter({ hasText: "request 2 was aborted: identity changed" })).toHaveCount(1);
  await expect(demo.hasToken).toHaveText("hasToken: true");
  const grace = await demo.entity();
  expect(grace).not.toBe(ada);
  // The late answer has come by now at the accounts; nothing of it may reach the page.
  await expect.poll(async () => (await standIn.state()).requests.length).toBeGreaterThanOrEqual(3);
  await demo.press("getToken");
  await expect(demo.outcome).toContainText("getToken resolved");
  expect(await demo.entity()).toBe(grace);
  const seen = await page.evaluate(() => window.seen);
  expect(seen.lastIndexOf(ada)).toBeLessThan(seen.indexOf("–"));
});

test("whoever waits at sign-out is told", async ({ demo, page }) => {
  await demo.open();
  await demo.signInAndGetToken("Ada Lovelace");
  await demo.choose("Slow");
  await demo.press("Apply and ask for a fresh token");
  await expect(demo.log.filter({ hasText: "request 2 began" })).toHaveCount(1);
  const waiting = page.evaluate(() =>
    window.__lc
      .custom_identity_provider()
      .getFreshToken()
      .catch((error) => error.code),
  );
  await expect(demo.log.filter({ hasText: "joined request 2" })).toHaveCount(1);
  await demo.press("Sign out");
  expect(await waiting).toBe("SIGNED_OUT");
  await expect(page.getByText("Nobody is signed in")).toBeVisible();
  await expect(demo.hasToken).toHaveText("hasToken: false");
});

test("a sign-out in one tab is seen in the other", async ({ demo, context }) => {
  await demo.open();
  await demo.signInAndGetToken("Ada Lovelace");
  const other = new Demo(await context.newPage());
  await other.open();
  await expect(other.hasToken).toHaveText("hasToken: true");
  await other.press("Sign out");
  await expect(demo.page.getByText("Nobody is signed in")).toBeVisible();
  await expect(demo.hasToken).toHaveText("hasToken: false");
  await expect(demo.field("accessToken")).toHaveText("–");
  await expect(demo.log.filter({ hasText: "signed out in another tab" })).toHaveCount(1);
  expect(await demo.page.evaluate(() => Object.values(sessionStorage).join())).not.toContain("accessToken");
});

test("another customer in one tab is another customer in the other", async ({ demo, context }) => {
  await demo.open();
  const ada = await demo.signInAndGetToken("Ada Lovelace");
  const other = new Demo(await context.newPage());
  await other.open();
  await expect(other.hasToken).toHaveText("hasToken: true");
  const grace = await other.signInAndGetToken("Grace Hopper").then(async () => {
    await expect(other.field("entityId")).not.toHaveText(ada);
    return other.entity();
  });
  await expect(demo.page.getByText("Signed in as Grace Hopper")).toBeVisible();
  await expect(demo.field("entityId")).toHaveText("–");
  await demo.press("getToken");
  await expect(demo.field("entityId")).toHaveText(grace);
});
