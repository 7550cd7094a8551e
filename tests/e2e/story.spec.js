// The story: it plays itself to its end with the right things on every device, can be paused, begun anew, and used by hand.

import { expect, test as base } from "./demo.js";
import { Shop, Story } from "./story_page.js";

const test = base.extend({ story: async ({ page }, use) => use(new Story(page)) });

const FIRST = ["Hello, is the reading lamp in stock?", "Hello, this is Sam. Let me look that up for you."];
const SECOND = [
  "I have ordered it. Will it be there tonight?",
  "I have everything before me, also what you wrote before. It is on its way.",
];
const THIRD = ["Sam, could you have it left with my neighbour?", "Of course. I have made a note of it."];
const GRACES = ["Is the fern hard to keep?", "Hello, this is Sam. Let me look that up for you."];

test("step by step, each device shows what is told", async ({ story, page, standIn }) => {
  const { laptop, phone, kiosk } = story;
  await story.open();
  await story.step(1);
  await expect(laptop.greeting).toHaveText("Sign in as");
  await expect(laptop.messages).toHaveText(FIRST);
  const ada = await laptop.entity();

  await story.step(2);
  await expect(laptop.greeting).toHaveText("Hello, Ada");
  await expect(laptop.messages).toHaveText(FIRST);
  // Begun as a guest, and hers from now on.
  expect(await laptop.entity()).toBe(ada);
  for (const device of [phone, kiosk]) {
    await expect(device.greeting).toHaveText("Sign in as");
    expect(await device.entity()).not.toBe(ada);
  }

  await story.step(3);
  await expect(phone.messages).toHaveText(FIRST);
  expect(await phone.entity()).toBe(ada);

  await story.step(4);
  for (const device of [laptop, phone]) await expect(device.messages).toHaveText([...FIRST, ...SECOND]);

  await story.step(5);
  await expect(kiosk.messages).toHaveText([...FIRST, ...SECOND]);
  expect(await kiosk.entity()).toBe(ada);

  await story.step(6);
  await expect(kiosk.greeting).toHaveText("Sign in as");
  await expect(kiosk.messages).toHaveCount(0);
  expect(await kiosk.entity()).not.toBe(ada);
  // Only where she left: on her own devices she is still there.
  for (const device of [laptop, phone]) await expect(device.messages).toHaveText([...FIRST, ...SECOND]);

  await story.step(7);
  await expect(kiosk.greeting).toHaveText("Hello, Grace");
  await expect(kiosk.messages).toHaveText(GRACES);
  for (const device of [laptop, phone]) await expect(device.messages).toHaveText([...FIRST, ...SECOND]);

  const { requests: before } = await standIn.state();
  await story.step(8);
  await expect(story.now).toContainText("her message waits");
  await story.step(9);
  for (const device of [laptop, phone]) await expect(device.messages).toHaveText([...FIRST, ...SECOND, ...THIRD]);
  await expect(phone.unsent).toHaveCount(0);
  await expect(kiosk.messages).toHaveText(GRACES);
  // The accounts did fail, were asked again, and were not stormed.
  const { requests, faults } = await standIn.state();
  const asked = requests
    .slice(before.length)
    .filter(({ grant }) => grant === "agent_token")
    .map(({ status }) => status);
  expect(asked).toContain(503);
  expect(asked.at(-1)).toBe(200);
  expect(asked.length).toBeLessThan(15);
  expect(faults.status).toBeNull();

  await story.press("Go on");
  await story.playToEnd();
  await expect(story.progress).toHaveAttribute("aria-valuenow", "100");
  await expect(page.locator(".failed")).toHaveCount(0);
});

test("it plays by itself to its end, and again, and leaves the focus where it was", async ({ story }) => {
  await story.open(40);
  await story.press("Play the story");
  await story.playToEnd();
  await expect(story.button("Play again")).toBeFocused();
  const first = await story.laptop.entity();
  await story.press("Play again");
  await expect(story.button("Pause")).toBeVisible();
  await story.playToEnd();
  // Nothing is left of the first time.
  for (const device of [story.laptop, story.phone])
    await expect(device.messages).toHaveText([...FIRST, ...SECOND, ...THIRD]);
  expect(await story.laptop.entity()).not.toBe(first);
});

test("paused, it stands still however long it takes, and then goes on", async ({ story, page }) => {
  await page.clock.install();
  await story.open(1);
  const asked = page.waitForResponse("**/stand-in/story");
  await story.press("Play the story");
  await asked;
  // The chat is opened, and some letters are typed.
  const { paused } = await story.pauseAfter(9);
  await paused;
  await expect(story.laptop.text).toHaveValue(FIRST[0].slice(0, 8));
  await page.clock.runFor(600_000);
  await expect(story.laptop.text).toHaveValue(FIRST[0].slice(0, 8));
  await expect(story.done).toHaveCount(0);
  await story.press("Go on");
  await expect(story.laptop.messages).toHaveText(FIRST);
});

test("paused while the accounts fail, they fail until it goes on, and nothing is lost", async ({
  story,
  page,
  standIn,
}) => {
  await page.clock.install();
  await story.open();
  for (const number of [1, 2, 3, 4, 5, 6, 7]) await story.step(number);
  await story.failAndPause();
  const told = await story.now.textContent();
  await page.clock.runFor(20_000);
  await expect(story.now).toHaveText(told);
  expect((await standIn.state()).faults.status).toBe(503);
  await expect(story.phone.unsent).toHaveCount(1);
  await story.press("Go on");
  await story.playToEnd();
  await expect(story.phone.messages).toHaveText([...FIRST, ...SECOND, ...THIRD]);
});

test("it starts over from the middle, with nobody signed in and nothing said", async ({ story }) => {
  await story.open();
  for (const number of [1, 2, 3]) await story.step(number);
  await story.press("Start over");
  await expect(story.done).toHaveCount(0);
  await story.press("Pause");
  await expect(story.phone.greeting).toHaveText("Sign in as");
  await expect(story.phone.messages).toHaveCount(0);
});

test("a device that does not open says so, with its address, and the page stays usable", async ({ story, page }) => {
  await page.clock.install();
  let phone;
  await page.route("**/shop.html", async (route) => {
    const session = await (await page.request.get("/site/session")).json();
    phone = session.devices.find(({ id }) => id === "phone").port;
    return new URL(route.request().url()).port === String(phone) ? route.abort() : route.continue();
  });
  await page.goto("/");
  await expect(story.laptop.bubble).toBeVisible();
  await page.clock.fastForward(21_000);
  await expect(page.locator("#device-phone")).toContainText("did not open its shop");
  await expect(page.getByRole("link", { name: `http://127.0.0.1:${phone}` })).toHaveAttribute(
    "href",
    `http://127.0.0.1:${phone}/shop.html`,
  );
  await expect(story.now).toContainText("Not every device opened its shop");
  await expect(story.button("Play the story")).toBeDisabled();
  await story.laptop.signIn("Ada Lovelace");
});

test("by hand: each device has a session and a storage of its own, also after a reload", async ({
  story,
  page,
  context,
}) => {
  const { laptop, phone, kiosk } = story;
  await story.open();
  await laptop.signIn("Ada Lovelace");
  await phone.signIn("Grace Hopper");
  await expect(kiosk.greeting).toHaveText("Sign in as");
  const [ada, grace] = [await laptop.entity(), await phone.entity()];
  expect(ada).not.toBe(grace);
  await page.reload();
  await expect(laptop.greeting).toHaveText("Hello, Ada");
  await expect(phone.greeting).toHaveText("Hello, Grace");
  expect(await laptop.entity()).toBe(ada);
  await laptop.signOut();
  await expect(phone.greeting).toHaveText("Hello, Grace");
  // One browser has the cookies of all, and each device sees only its own.
  const names = (await context.cookies()).map(({ name }) => name);
  expect(names).toContain("phone.demo_session");
  expect(names).not.toContain("laptop.demo_session");
  await page.goto("/livechat.html");
  await expect(page.getByText("Nobody is signed in")).toBeVisible();
});

test("by hand: a failure of the accounts keeps what is written, and sends it once", async ({
  story,
  page,
  standIn,
}) => {
  const { laptop, kiosk } = story;
  await story.open();
  await laptop.signIn("Ada Lovelace");
  await laptop.openChat();
  await page.clock.install();
  await story.press("Let LiveChat’s accounts fail for 10 s");
  await expect(page.locator("#fault-now")).toContainText("every token was called back");
  expect((await standIn.state()).faults.status).toBe(503);
  await laptop.write("Are you there?");
  await laptop.write("I can wait.");
  await expect(laptop.unsent).toHaveCount(2);
  await expect(laptop.state).toHaveText("Waiting for LiveChat");
  await page.clock.runFor(10_500);
  await expect(page.locator("#fault-now")).toHaveText("The accounts are back.");
  await page.clock.runFor(3_000);
  await expect(laptop.messages.filter({ hasText: /^Are you there\?$/ })).toHaveCount(1);
  await expect(laptop.messages.filter({ hasText: /^I can wait\.$/ })).toHaveCount(1);
  await expect(laptop.messages).toHaveCount(4);
  await expect(laptop.unsent).toHaveCount(0);
  await expect(kiosk.greeting).toHaveText("Sign in as");
});

test("a page that is left does not leave the accounts out of order", async ({ story, page, standIn }) => {
  await story.open();
  await story.press("Let LiveChat’s accounts fail for 10 s");
  await expect.poll(async () => (await standIn.state()).faults.status).toBe(503);
  await page.goto("/livechat.html");
  await expect.poll(async () => (await standIn.state()).faults.status).toBeNull();
});

test("the shop is a page of its own, too, and two tabs of a device are one person", async ({
  story,
  context,
  page,
}) => {
  await story.open();
  await story.laptop.signIn("Ada Lovelace");
  const tab = await context.newPage();
  await tab.goto(await page.locator("#device-laptop iframe").getAttribute("src"));
  const shop = new Shop(tab);
  await expect(shop.greeting).toHaveText("Hello, Ada");
  await shop.signOut();
  await expect(story.laptop.greeting).toHaveText("Sign in as");
});

test("no secret is on any device’s page, in an address, or in a log", async ({ story, page, context, servers }) => {
  const said = [];
  const asked = [];
  const tokens = new Set();
  const reading = [];
  page.on("console", (message) => said.push(message.text()));
  page.on("pageerror", (error) => said.push(String(error)));
  page.on("request", (request) => asked.push(request.url()));
  page.on("response", (response) => {
    if (
      /\/(livechat\/token|customer\/token)$/.test(new URL(response.url()).pathname) &&
      response.ok() &&
      response.request().method() === "POST"
    ) {
      reading.push(response.json().then((body) => tokens.add(body.access_token)));
    }
  });
  await story.open(40);
  await story.press("Play the story");
  await story.playToEnd();
  await Promise.all(reading);
  expect(tokens.size).toBeGreaterThan(3);
  const sessions = (await context.cookies()).map(({ value }) => value);
  expect(sessions.length).toBe(3);
  const shown = await Promise.all(page.frames().map((frame) => frame.content()));
  const local = await Promise.all(
    page.frames().map((frame) => frame.evaluate(() => JSON.stringify({ ...localStorage }))),
  );
  expect(shown).toHaveLength(4);
  for (const [place, text] of Object.entries({
    said: said.join(),
    asked: asked.join(),
    shown: shown.join(),
    local: local.join(),
    logs: servers.output(),
  })) {
    for (const secret of [...tokens, ...sessions, servers.agentToken]) {
      expect(text.includes(secret.slice(-8)), `the end of a secret in ${place}`).toBe(false);
    }
  }
});
