// The pages for people who do not see it, do not use a mouse, or do not want motion.

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

import { TEN_SECONDS, expect, test } from "./demo.js";
import { Story } from "./story_page.js";
import { LIVE_ASSIST, OMNICHANNEL, WidgetDemo } from "./widget_demo.js";

const axe = await readFile(fileURLToPath(import.meta.resolve("axe-core/axe.min.js")), "utf8");

/** What axe finds wrong in a page or a frame, in words. */
const violations = async (page, rules = 20) => {
  // The page's own policy forbids foreign scripts; what the browser's debugger evaluates is not one of the page's.
  await page.evaluate(axe);
  // Frames are looked at by themselves: no script of this page reaches those of other origins.
  const { violations, passes } = await page.evaluate(() =>
    window.axe.run(document, { resultTypes: ["violations"], iframes: false }),
  );
  expect(passes.length, "rules that were checked").toBeGreaterThan(rules);
  return violations.map(
    ({ id, impact, nodes }) => `${impact}: ${id}: ${nodes.map(({ target }) => target.join(" ")).join(", ")}`,
  );
};

for (const colorScheme of ["light", "dark"]) {
  for (const [device, viewport] of Object.entries({
    desk: { width: 1280, height: 800 },
    phone: { width: 390, height: 844 },
  })) {
    test(`axe finds nothing, ${colorScheme}, ${device}`, async ({ demo, page }) => {
      await page.setViewportSize(viewport);
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await demo.open();
      await expect(page.getByText("Nobody is signed in")).toBeVisible();
      expect(await violations(page)).toEqual([]);
      await demo.signInAndGetToken("Ada Lovelace");
      await demo.press("Burst of 20 calls");
      await expect(demo.outcome).toContainText("20 calls resolved");
      expect(await violations(page)).toEqual([]);
      await page.getByLabel("Patience with a failing source").selectOption("none");
      await demo.choose("cookie grant");
      await demo.applyFault("Cut connection");
      await expect(demo.outcome).toContainText("NETWORK");
      expect(await violations(page)).toEqual([]);
      await page.route("**/pkg/core*.js", (route) => route.abort());
      await demo.open("/livechat.html");
      await expect(page.getByRole("alert")).toContainText("WASM_MISSING", { timeout: 15_000 });
      expect(await violations(page)).toEqual([]);
      expect(
        await page.evaluate(() => document.documentElement.scrollWidth),
        "nothing is wider than the screen",
      ).toBeLessThanOrEqual(viewport.width);
    });
  }
}

for (const colorScheme of ["light", "dark"]) {
  for (const [device, viewport] of Object.entries({
    desk: { width: 1280, height: 800 },
    phone: { width: 390, height: 844 },
  })) {
    for (const path of [OMNICHANNEL, LIVE_ASSIST]) {
      test(`axe finds nothing on ${path}, ${colorScheme}, ${device}`, async ({ page }) => {
        const demo = new WidgetDemo(page, path);
        await page.setViewportSize(viewport);
        await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
        await demo.open(path);
        await expect(page.getByText("Nobody is signed in")).toBeVisible();
        expect(await violations(page)).toEqual([]);
        if (path === LIVE_ASSIST) {
          await demo.press("Start chat");
          await expect(demo.dialog).toBeVisible();
          // Beside the dialog nothing can be reached, so there is less to check.
          expect(await violations(page, 15)).toEqual([]);
          await demo.dialog.getByRole("button", { name: "Not now" }).click();
          await expect(demo.state).toHaveText("offline survey");
          expect(await violations(page)).toEqual([]);
        }
        await demo.signIn("Ada Lovelace");
        await demo.chatAs("Ada Lovelace");
        expect(await violations(page)).toEqual([]);
        await demo.press(path === LIVE_ASSIST ? "End chat" : "Close chat");
        await demo.choose("Tampered");
        await demo.press("Start chat");
        await expect(demo.verdict).toHaveText("refused");
        expect(await violations(page)).toEqual([]);
        expect(
          await page.evaluate(() => document.documentElement.scrollWidth),
          "nothing is wider than the screen",
        ).toBeLessThanOrEqual(viewport.width);
      });
    }
  }
}

for (const colorScheme of ["light", "dark"]) {
  for (const [device, viewport] of Object.entries({
    desk: { width: 1280, height: 800 },
    phone: { width: 390, height: 844 },
  })) {
    test(`axe finds nothing in the story, on its page and on its devices, ${colorScheme}, ${device}`, async ({
      page,
    }) => {
      const story = new Story(page);
      const look = async () => {
        const found = await Promise.all(
          page.frames().map((frame) => violations(frame, frame === page.mainFrame() ? 20 : 14)),
        );
        expect(found).toEqual([[], [], [], []]);
      };
      await page.setViewportSize(viewport);
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await story.open(40);
      await look();
      for (const number of [1, 2, 3, 4, 5, 6, 7]) await story.step(number);
      await look();
      await story.failAndPause();
      await look();
      await story.press("Go on");
      await story.playToEnd();
      await look();
      expect(
        await page.evaluate(() => document.documentElement.scrollWidth),
        "nothing is wider than the screen",
      ).toBeLessThanOrEqual(viewport.width);
    });
  }
}

/** Presses Tab until the wanted element has the focus, and sees that the focus can be seen. */
const tabTo = async (page, wanted) => {
  for (let presses = 0; presses < 60; presses++) {
    // The element of a frame has the focus only while its frame has.
    if (await wanted.evaluate((element) => element === document.activeElement && document.hasFocus())) {
      const outline = await wanted.evaluate((element) => {
        // A hidden radio button shows its focus on the words beside it.
        const shown = getComputedStyle(element).opacity === "0" ? element.nextElementSibling : element;
        return getComputedStyle(shown).outlineStyle;
      });
      expect(outline).not.toBe("none");
      return;
    }
    await page.keyboard.press("Tab");
  }
  throw new Error(`the focus never came to ${wanted}`);
};

test("everything by keyboard: sign in, call, switch, break, mend, sign out", async ({ demo, page, standIn }) => {
  const { keyboard } = page;
  await demo.open();
  await expect(page.getByText("Nobody is signed in")).toBeVisible();
  await keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to the methods" })).toBeFocused();
  await expect(page.getByRole("link", { name: "Skip to the methods" })).toBeInViewport();
  await tabTo(page, demo.button("Ada Lovelace"));
  await keyboard.press("Enter");
  await expect(demo.hasToken).toHaveText("hasToken: true");
  const ada = await demo.entity();
  // The buttons were made anew; whoever pressed one is still there.
  await expect(demo.button("Ada Lovelace")).toBeFocused();
  await expect(demo.button("Ada Lovelace")).toHaveAttribute("aria-pressed", "true");
  await tabTo(page, demo.button("getFreshToken"));
  await keyboard.press("Space");
  await expect(demo.outcome).toContainText("getFreshToken resolved");
  await tabTo(page, demo.button("Burst of 20 calls"));
  await keyboard.press("Enter");
  await expect(demo.outcome).toContainText("20 calls resolved");

  await tabTo(page, page.getByRole("radio", { name: "30 s" }));
  await keyboard.press("ArrowRight");
  await expect(page.getByRole("radio", { name: "2 min" })).toBeChecked();
  await tabTo(page, page.getByRole("region", { name: "Entries of the log" }));
  await tabTo(page, page.getByRole("radio", { name: "Session" }));
  await keyboard.press("ArrowDown");
  await expect(page.getByRole("radio", { name: "Memory" })).toBeChecked();
  await tabTo(page, page.getByRole("radio", { name: "Own service" }));
  for (let presses = 0; presses < 3; presses++) await keyboard.press("ArrowDown");
  await expect(page.getByRole("radio", { name: "cookie grant" })).toBeChecked();
  await tabTo(page, page.getByLabel("Patience with a failing source"));
  await keyboard.press("Home");
  await expect(page.getByLabel("Patience with a failing source")).toHaveValue("0");
  await tabTo(page, page.getByRole("radio", { name: "Slow" }));
  await keyboard.press("ArrowDown");
  await tabTo(page, demo.button("Apply and ask for a fresh token"));
  await keyboard.press("Enter");
  await expect(demo.outcome).toContainText("UNAVAILABLE");
  await tabTo(page, demo.button("No faults"));
  await keyboard.press("Enter");
  await expect(demo.outcome).toHaveText("No fault is set any more.");

  await keyboard.press("Home");
  await tabTo(page, demo.button("Sign out"));
  await keyboard.press("Enter");
  await expect(page.getByText("Nobody is signed in")).toBeVisible();
  await expect(demo.hasToken).toHaveText("hasToken: false");
  await tabTo(page, demo.button("Grace Hopper"));
  await keyboard.press("Enter");
  await expect(page.getByText("Signed in as Grace Hopper")).toBeVisible();
  expect((await standIn.state()).faults.status).toBeNull();
  expect(ada).not.toBe("–");
});

test("a screen reader hears the remaining life no more than once a second", async ({ demo, page }) => {
  await page.clock.install();
  await demo.open();
  await demo.signInAndGetToken("Ada Lovelace");
  await demo.press("Expire in 10 s");
  await expect(demo.field("expiresIn")).toHaveText(TEN_SECONDS);
  // From here on, time passes only when the test says so.
  await page.clock.pauseAt(await page.evaluate(() => Date.now() + 1000));
  const life = page.locator("#life");
  const told = await life.evaluateHandle((element) => {
    const told = [];
    new MutationObserver(() => told.push(element.ariaValueText)).observe(element, {
      attributeFilter: ["aria-valuetext"],
    });
    return told;
  });
  await page.clock.runFor(3000);
  const changes = await told.jsonValue();
  // In three seconds the whole second changes three times, wherever between two of them the clock was stopped.
  expect(changes).toHaveLength(3);
  const live = await page.evaluate(() =>
    Boolean(document.getElementById("life").closest("[aria-live], [role=status], [role=alert], [role=log]")),
  );
  expect(live).toBe(false);
});

test("who wants no motion sees none", async ({ demo, page }) => {
  await page.emulateMedia({ reducedMotion: "reduce" });
  await demo.open();
  await demo.signInAndGetToken("Ada Lovelace");
  expect(await page.locator("#life-left").evaluate((element) => getComputedStyle(element).transitionDuration)).toBe(
    "0s",
  );
});

test("the timeline is told in words as well", async ({ demo, page }) => {
  await demo.open();
  await demo.signInAndGetToken("Ada Lovelace");
  await demo.press("Burst of 20 calls");
  await expect(demo.outcome).toContainText("20 calls resolved");
  // Looks of the page's own that came before the core was there are told like calls of the widget's.
  await expect(
    page.getByRole("img", {
      name: /^Timeline: 2[2-9] calls, 1 cache hit, 18 joins, 2 requests\. The log lists them\.$/,
    }),
  ).toBeVisible();
  for (const [sentence, count] of [
    ["answered from the cache", 1],
    ["joined request 2", 18],
    ["brought a token", 2],
  ]) {
    await expect(demo.log.filter({ hasText: sentence })).toHaveCount(count);
  }
});

test("log and timeline can be cleared", async ({ demo, page }) => {
  await demo.open();
  await demo.signInAndGetToken("Ada Lovelace");
  await demo.press("Clear log and timeline");
  await expect(demo.log).toHaveCount(0);
  await expect(
    page.getByRole("img", { name: "Timeline: 0 calls, 0 cache hits, 0 joins, 0 requests. The log lists them." }),
  ).toBeVisible();
});

test("Omnichannel by keyboard: to the page, sign in, chat, switch, break, sign out", async ({ page }) => {
  const demo = new WidgetDemo(page, OMNICHANNEL);
  const { keyboard } = page;
  await demo.open();
  await tabTo(page, page.getByRole("link", { name: "Omnichannel" }));
  await keyboard.press("Enter");
  await expect(page.getByRole("link", { name: "Omnichannel" })).toHaveAttribute("aria-current", "page");
  await expect(page.getByText("Nobody is signed in")).toBeVisible();
  await tabTo(page, page.getByRole("link", { name: "Skip to the chat" }));
  await tabTo(page, demo.button("Ada Lovelace"));
  await keyboard.press("Enter");
  await expect(demo.button("Ada Lovelace")).toBeFocused();
  await tabTo(page, demo.button("Start chat"));
  await keyboard.press("Enter");
  await expect(demo.state).toHaveText("authenticated");
  await expect(demo.button("Start chat")).toBeFocused();
  await tabTo(page, demo.conversation);
  await tabTo(page, page.getByRole("radio", { name: "Own service" }));
  for (let presses = 0; presses < 4; presses++) await keyboard.press("ArrowDown");
  await expect(page.getByRole("radio", { name: "Tampered" })).toBeChecked();
  await tabTo(page, page.getByLabel("Margin before a token’s end"));
  await tabTo(page, page.getByRole("checkbox", { name: "It asks twice" }));
  await keyboard.press("Space");
  await keyboard.press("Home");
  await expect(demo.button("Start chat")).toBeEnabled();
  await tabTo(page, demo.button("Start chat"));
  await keyboard.press("Enter");
  await expect(demo.outcome).toContainText("lcw:error 4");
  await tabTo(page, demo.button("Sign out"));
  await keyboard.press("Enter");
  await expect(page.getByText("Nobody is signed in")).toBeVisible();
});

test("Live Assist by keyboard: asked to sign in, chat, another flow, another name, declined", async ({ page }) => {
  const demo = new WidgetDemo(page, LIVE_ASSIST);
  const { keyboard } = page;
  await demo.open(LIVE_ASSIST);
  await expect(page.getByText("Nobody is signed in")).toBeVisible();
  await tabTo(page, demo.button("Start chat"));
  await keyboard.press("Enter");
  await expect(demo.dialog).toBeVisible();
  await keyboard.press("Escape");
  await expect(demo.state).toHaveText("offline survey");
  await expect(demo.button("Start chat")).toBeFocused();
  await keyboard.press("Enter");
  await tabTo(page, demo.dialog.getByRole("button", { name: "Grace Hopper" }));
  await keyboard.press("Enter");
  await expect(demo.state).toHaveText("authenticated");
  await expect(demo.button("Start chat")).toBeFocused();
  await tabTo(page, page.getByRole("radio", { name: "Implicit" }));
  await keyboard.press("ArrowUp");
  await expect(page.getByRole("radio", { name: "Code with a proof key" })).toBeChecked();
  await tabTo(page, page.getByLabel("JS method name"));
  await keyboard.press("Control+A");
  await keyboard.type("lpGetAuthenticationToken");
  await keyboard.press("Tab");
  await expect(page.getByLabel("Failures are said as")).toBeFocused();
  await tabTo(page, demo.button("Start chat"));
  await keyboard.press("Enter");
  await expect(demo.state).toHaveText("authenticated");
  await tabTo(page, demo.button("Redeem code again"));
  await keyboard.press("Enter");
  await expect(demo.outcome).toContainText("The second redemption was refused");
  await tabTo(page, demo.button("End chat"));
  await keyboard.press("Enter");
  await expect(demo.state).toHaveText("no chat");
});

test("the story by keyboard: step, play, pause, to a bench and back", async ({ page }) => {
  const story = new Story(page);
  const { keyboard } = page;
  await story.open(40);
  await keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to the story" })).toBeFocused();
  await tabTo(page, story.button("One step"));
  await keyboard.press("Enter");
  await expect(story.done).toHaveCount(1);
  // The button is still there, for the next step.
  await expect(story.button("One step")).toBeFocused();
  await keyboard.press("Enter");
  await expect(story.done).toHaveCount(2);
  await keyboard.press("Shift+Tab");
  await expect(story.button("Go on")).toBeFocused();
  await keyboard.press("Enter");
  await expect(story.button("Pause")).toBeFocused();
  await expect.poll(() => story.done.count(), { timeout: 30_000 }).toBeGreaterThan(2);
  await keyboard.press("Space");
  await expect(story.button("Go on")).toBeFocused();
  await tabTo(page, page.getByRole("link", { name: "LiveChat’s bench" }));
  await keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "The four methods" })).toBeVisible();
  await tabTo(page, page.getByRole("link", { name: "The story" }));
  await keyboard.press("Enter");
  await expect(story.button("Play the story")).toBeEnabled();
});

test("the devices by keyboard: sign in, chat, close the chat, sign out", async ({ page }) => {
  const story = new Story(page);
  const { keyboard } = page;
  const { phone } = story;
  await story.open();
  await tabTo(page, phone.button("Sign in as Ada Lovelace"));
  await phone.changeChat(() => keyboard.press("Enter"));
  await expect(phone.greeting).toHaveText("Hello, Ada");
  // The buttons were made anew; whoever pressed one is still there.
  await expect(phone.button("Sign out")).toBeFocused();
  await tabTo(page, phone.bubble);
  await keyboard.press("Enter");
  await expect(phone.text).toBeFocused();
  await keyboard.type("Is anybody there?");
  await keyboard.press("Enter");
  await expect(phone.messages).toHaveText(["Is anybody there?", "Hello, this is Sam. Let me look that up for you."]);
  await keyboard.press("Shift+Tab");
  await expect(phone.inside.getByRole("log")).toBeFocused();
  await keyboard.press("Escape");
  await expect(phone.bubble).toBeFocused();
  await tabTo(page, page.getByRole("link", { name: "LiveChat’s bench" }));
  await keyboard.press("Home");
  await tabTo(page, page.getByRole("link", { name: "Skip to the story" }));
  await tabTo(page, phone.button("Sign out"));
  await keyboard.press("Enter");
  await expect(phone.greeting).toHaveText("Sign in as");
  await expect(phone.button("Sign in as Ada Lovelace")).toBeFocused();
});

test("a screen reader hears each step and what came of it once, and no countdown", async ({ page }) => {
  const story = new Story(page);
  await story.open(40);
  await expect(story.now).toHaveRole("status");
  await page.evaluate(() => {
    // What is added to the live region, as a screen reader hears it.
    window.heard = [];
    const spoken = (node) =>
      node.nodeType === Node.TEXT_NODE
        ? node.data
        : node.ariaHidden === "true" || node.parentElement?.closest("[aria-hidden=true]")
          ? ""
          : node.textContent;
    new MutationObserver((records) => {
      for (const { addedNodes, target } of records) {
        if (target.closest("[aria-hidden=true]")) continue;
        window.heard.push(...[...addedNodes].map(spoken).filter((text) => text !== ""));
      }
    }).observe(document.getElementById("now"), { childList: true, subtree: true });
  });
  await story.press("Play the story");
  await story.playToEnd();
  const heard = await page.evaluate(() => window.heard);
  for (let number = 1; number <= 9; number++)
    expect(heard.filter((text) => text.startsWith(`Step ${number} of 9. `))).toHaveLength(1);
  const results = await story.steps.locator(".result").allInnerTexts();
  for (const result of results) expect(heard.filter((text) => text === result)).toHaveLength(1);
  expect(heard).toHaveLength(2 * 9 + 2);
});
