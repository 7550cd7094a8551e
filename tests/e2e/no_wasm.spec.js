// Where the page's policy forbids WebAssembly the core runs as JavaScript; where no core can be loaded every method says so.

import { expect, test } from "./demo.js";

test("where WebAssembly is forbidden the core runs as JavaScript, and every method works", async ({ demo, page }) => {
  await demo.open("/no-wasm/livechat.html");
  await demo.signIn("Ada Lovelace");
  await demo.press("getToken");
  await expect(demo.outcome).toContainText("getToken");
  await expect(demo.log.filter({ hasText: "brought a token" })).toHaveCount(1);
  await expect(demo.log.filter({ hasText: "the core runs as JavaScript" })).not.toHaveCount(0);
  await expect(page.getByRole("alert")).toBeHidden();
  await demo.press("Sign out");
  await expect(page.getByText("Nobody is signed in")).toBeVisible();
});

test("where no core can be loaded the page says so, and no method hangs", async ({ demo, page }) => {
  await page.route("**/pkg/core*.js", (route) => route.abort());
  await demo.open("/livechat.html");
  await expect(page.getByRole("alert")).toContainText("WASM_MISSING", { timeout: 15_000 });
  await demo.signIn("Ada Lovelace");
  for (const method of ["getToken", "getFreshToken", "hasToken", "invalidate"]) {
    await demo.press(method);
    await expect(demo.outcome).toContainText(new RegExp(`${method} failed: (WASM_MISSING|COOLING_DOWN)`), {
      timeout: 15_000,
    });
  }
});
