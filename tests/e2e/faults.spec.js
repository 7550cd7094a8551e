// Each fault of LiveChat's accounts has a clear message, leaves what was good alone, and is recovered from.

import { expect, test } from "./demo.js";

const FAULTS = [
  { name: "Error 500", source: "Own service", code: "UNAVAILABLE", status: 503 },
  { name: "Error 429", source: "Own service", code: "UNAVAILABLE", status: 503, also: "come back in 2 s" },
  { name: "Cut connection", source: "Own service", code: "UNAVAILABLE", status: 503 },
  { name: "HTML", source: "Own service", code: "UNAVAILABLE", status: 502 },
  { name: "Error 500", source: "cookie grant", code: "UNAVAILABLE", status: 500 },
  { name: "Error 429", source: "cookie grant", code: "UNAVAILABLE", status: 429, also: "come back in 2 s" },
  { name: "Cut connection", source: "cookie grant", code: "NETWORK" },
  { name: "HTML", source: "cookie grant", code: "BAD_ANSWER", also: "the source's answer is HTML, expected JSON" },
  { name: "Error 500", source: "Function", code: "UNAVAILABLE", status: 503 },
];

for (const { name, source, code, status, also } of FAULTS) {
  test(`fault: ${name}, source: ${source}`, async ({ demo, page }) => {
    await page.clock.install();
    await demo.open();
    await demo.signInAndGetToken("Alan Turing");
    const good = await demo.tokenEnd();
    await demo.choose(source);
    await page.getByLabel("Patience with a failing source").selectOption("none");
    await demo.applyFault(name);
    await expect(demo.outcome).toContainText(`getFreshToken failed: ${code}`);
    if (status) await expect(demo.outcome).toContainText(`status ${status}`);
    if (also) await expect(demo.outcome).toContainText(also);
    // What was good stays good.
    await expect(demo.hasToken).toHaveText("hasToken: true");
    expect(await demo.tokenEnd()).toBe(good);
    await demo.press("getToken");
    await expect(demo.outcome).toContainText("getToken resolved");
    // A call soon after is refused without asking.
    const sent = await demo.counter("requests sent").innerText();
    await demo.press("getFreshToken");
    await expect(demo.outcome).toContainText("COOLING_DOWN");
    await expect(demo.outcome).toContainText(`after ${code}`);
    await expect(demo.counter("requests sent")).toHaveText(sent);
    await demo.press("No faults");
    await expect(page.getByText("No fault is set.", { exact: true })).toBeVisible();
    await page.clock.fastForward(10_000);
    await demo.press("getFreshToken");
    await expect(demo.outcome).toContainText("getFreshToken resolved");
    expect(await demo.tokenEnd()).not.toBe(good);
  });
}

test("a fault that passes is not noticed by the caller, only by the log", async ({ demo }) => {
  await demo.open();
  await demo.signInAndGetToken("Alan Turing");
  await demo.choose("cookie grant");
  await demo.applyFault("Error 500", { once: true });
  await expect(demo.outcome).toContainText("getFreshToken resolved");
  await expect(demo.log.filter({ hasText: "attempt 1 failed: UNAVAILABLE" })).toHaveCount(1);
});

test("a slow answer is waited for, and everybody may ask meanwhile", async ({ demo, page }) => {
  await demo.open();
  await demo.signInAndGetToken("Alan Turing");
  await demo.applyFault("Slow", { once: true });
  await expect(page.getByText("waiting", { exact: true })).toBeVisible();
  await demo.press("getToken");
  await expect(demo.log.filter({ hasText: "getToken joined request 2" })).toHaveCount(1);
  await expect(page.getByText("waiting", { exact: true })).toBeHidden();
  await expect(demo.outcome).toContainText(/resolved after \d\.?\d? s/);
});

test("a short lifetime is shown as it is", async ({ demo, page }) => {
  await page.clock.install();
  await demo.open();
  await demo.signInAndGetToken("Alan Turing");
  await demo.applyFault("Short lifetime", { once: true });
  await expect(demo.field("expiresIn")).toHaveText(/^1[0-5]000 ms$/);
  await page.clock.fastForward(16_000);
  await expect(demo.hasToken).toHaveText("hasToken: false");
});

test("a site that does not answer is said to be the reason", async ({ demo, page }) => {
  await page.route("**/site/session", (route) => route.fulfill({ status: 500 }));
  await demo.open();
  await expect(page.getByRole("alert")).toContainText("The site does not say who is signed in");
});
