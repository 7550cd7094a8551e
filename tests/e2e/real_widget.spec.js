// With LiveChat itself the page hides the stand-in and loads the real widget; here the network plays LiveChat's delivery.

import { expect, test } from "./demo.js";

// The real site's own policy allows LiveChat's hosts; the one under test here belongs to the stand-in.
test.use({ bypassCSP: true });

test("the real widget is loaded after the provider is in place, and shares its session", async ({
  demo,
  page,
  standIn,
}) => {
  await page.route("**/site/session", async (route) => {
    const answer = await route.fetch();
    const session = await answer.json();
    await route.fulfill({ json: { ...session, livechat: { ...session.livechat, real: true, standInUrl: null } } });
  });
  // What LiveChat delivers does here what its client does when its connection starts.
  await page.route("https://cdn.livechatinc.com/tracking.js", (route) =>
    route.fulfill({
      contentType: "text/javascript",
      body: `
        window.loaded = { license: window.__lc.license, factory: typeof window.__lc.custom_identity_provider, queue: window.LiveChatWidget._q };
        const provider = window.__lc.custom_identity_provider();
        window.loaded.token = provider.hasToken().then(() => provider.getToken()).catch(() => undefined);
      `,
    }),
  );
  await demo.open();
  await page.waitForFunction(() => window.loaded);
  await page.evaluate(() => (window.loaded.isFormer = true));
  await demo.press("Ada Lovelace");
  // The widget of nobody is gone: the page began anew for the customer.
  await page.waitForFunction(() => window.loaded && !window.loaded.isFormer);
  await expect(page.getByText("Signed in as Ada Lovelace")).toBeVisible();
  await expect(demo.hasToken).toHaveText("hasToken: true");
  const loaded = await page.evaluate(async () => ({ ...window.loaded, token: await window.loaded.token }));
  expect(loaded).toMatchObject({ license: 12_345_678, factory: "function", queue: [] });
  await expect(demo.field("entityId")).toHaveText(loaded.token.entityId);
  // Its calls are drawn as the page's own are: two each, and none twice.
  await expect(demo.log.filter({ hasText: "was called" })).toHaveCount(4);
  expect((await standIn.state()).requests).toHaveLength(1);
  await expect(page.getByRole("heading", { name: "Faults of LiveChat’s accounts" })).toBeHidden();
  await expect(demo.button("Expire in 10 s")).toBeHidden();
  await expect(demo.counter("customers at LiveChat")).toHaveCount(0);
});
