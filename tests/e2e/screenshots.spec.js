// Keeps pictures of the pages in target/screenshots: desk and phone, light and dark, at work and in trouble.

import { fileURLToPath } from "node:url";

import { TEN_SECONDS, expect, test } from "./demo.js";
import { Story } from "./story_page.js";
import { LIVE_ASSIST, OMNICHANNEL, WidgetDemo } from "./widget_demo.js";

const folder = fileURLToPath(new URL("../../target/screenshots/", import.meta.url));
const DEVICES = { desk: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } };

/** Takes pictures of a page, from its top. */
const camera =
  (page, suffix) =>
  async (name, fullPage = false) => {
    await page.evaluate(() => scrollTo(0, 0));
    await page.mouse.move(0, 0);
    const bytes = await page.screenshot({ path: `${folder}${name}-${suffix}.png`, fullPage });
    expect(bytes.length).toBeGreaterThan(10_000);
  };

for (const [device, viewport] of Object.entries(DEVICES)) {
  for (const colorScheme of ["light", "dark"]) {
    test(`pictures of the story: ${device}, ${colorScheme}`, async ({ page }) => {
      const story = new Story(page);
      const take = camera(page, `${device}-${colorScheme}`);
      await page.setViewportSize(viewport);
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await story.open();
      await take("story");
      for (const number of [1, 2, 3]) await story.step(number);
      const seen = async (name, element) => {
        await element.scrollIntoViewIfNeeded();
        await page.screenshot({ path: `${folder}${name}-${device}-${colorScheme}.png` });
        // What is told and the device that it is about are seen together.
        for (const part of [story.now, element]) await expect(part).toBeInViewport({ ratio: 0.99 });
      };
      await seen("story-phone", page.locator("#device-phone"));
      for (const number of [4, 5, 6, 7]) await story.step(number);
      await seen("story-kiosk", page.locator("#device-kiosk"));
      await story.failAndPause();
      await seen("story-failing", page.locator("#device-phone"));
      await story.press("Go on");
      await story.playToEnd();
      await take("story-whole", true);
    });

    test(`pictures: ${device}, ${colorScheme}`, async ({ demo, page }) => {
      const take = camera(page, `${device}-${colorScheme}`);
      await page.setViewportSize(viewport);
      await page.emulateMedia({ colorScheme });
      await page.clock.install();
      await demo.open();
      await expect(page.getByText("Nobody is signed in")).toBeVisible();
      await take("signed-out");

      await demo.signInAndGetToken("Ada Lovelace");
      await page.clock.fastForward(4_000);
      await demo.press("Burst of 20 calls");
      await expect(demo.outcome).toContainText("20 calls resolved");
      await page.clock.fastForward(3_000);
      await demo.press("getToken");
      await expect(demo.outcome).toContainText("getToken resolved");
      await page.clock.fastForward(2_000);
      await demo.press("Expire in 10 s");
      await expect(demo.field("expiresIn")).toHaveText(TEN_SECONDS);
      await page.clock.fastForward(3_000);
      await expect(demo.life).toHaveAttribute("aria-valuetext", /^[1-7] s of [4-9] s$/);
      await take("signed-in");
      await take("whole", true);

      if (device === "desk") {
        // What matters is seen without scrolling.
        for (const part of [
          page.getByText("Signed in as Ada Lovelace"),
          demo.life,
          demo.button("invalidate"),
          page.getByRole("img", { name: /^Timeline/ }),
        ]) {
          await expect(part).toBeInViewport({ ratio: 1 });
        }
      }

      await demo.choose("cookie grant");
      await page.getByLabel("Patience with a failing source").selectOption("5 s");
      await demo.applyFault("Error 500");
      // In real time: a clock that is put forward would run out on an answer that is on its way.
      await expect(demo.outcome).toContainText("getFreshToken failed: UNAVAILABLE");
      await take("failed");

      await demo.open("/no-wasm/livechat.html");
      await expect(demo.log.filter({ hasText: "the core runs as JavaScript" })).not.toHaveCount(0);
      await take("no-wasm");
    });

    test(`pictures of Omnichannel: ${device}, ${colorScheme}`, async ({ page }) => {
      const demo = new WidgetDemo(page, OMNICHANNEL);
      const take = camera(page, `${device}-${colorScheme}`);
      await page.setViewportSize(viewport);
      await page.emulateMedia({ colorScheme });
      await page.clock.install();
      await demo.openAs("Ada Lovelace");
      await page.getByRole("checkbox", { name: "It asks twice" }).check();
      await page.clock.runFor(2_000);
      await demo.chatAs("Ada Lovelace");
      await page.clock.runFor(3_000);
      await demo.press("Close chat");
      await page.clock.runFor(1_000);
      await demo.chatAs("Ada Lovelace");
      await page.clock.runFor(4_000);
      await take("omnichannel");
      await take("omnichannel-whole", true);
      if (device === "desk") {
        for (const part of [demo.state, demo.outcome, demo.agent("contact"), demo.life, demo.field("lwicontexts")]) {
          await expect(part).toBeInViewport({ ratio: 1 });
        }
      }
      await demo.press("Close chat");
      await demo.choose("Tampered");
      await demo.press("Start chat");
      await expect(demo.verdict).toHaveText("refused");
      await page.clock.runFor(1_000);
      await take("omnichannel-refused");
    });

    test(`pictures of Live Assist: ${device}, ${colorScheme}`, async ({ page }) => {
      const demo = new WidgetDemo(page, LIVE_ASSIST);
      const take = camera(page, `${device}-${colorScheme}`);
      await page.setViewportSize(viewport);
      await page.emulateMedia({ colorScheme });
      await demo.open(LIVE_ASSIST);
      await expect(page.getByText("Nobody is signed in")).toBeVisible();
      await demo.press("Start chat");
      await expect(demo.dialog).toBeVisible();
      await take("live-assist-sign-in");
      await demo.dialog.getByRole("button", { name: "Not now" }).click();
      await expect(demo.state).toHaveText("offline survey");
      await take("live-assist-survey");
      await demo.signIn("Ada Lovelace");
      await demo.choose("Code with a proof key");
      await demo.choose("Short lives");
      await demo.chatAs("Ada Lovelace");
      await take("live-assist");
      await take("live-assist-whole", true);
      await demo.press("Redeem code again");
      await expect(demo.outcome).toContainText("The second redemption was refused");
      await take("live-assist-replay");
    });
  }
}
