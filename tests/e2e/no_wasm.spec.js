// Where the page's policy forbids WebAssembly, every method says so.

import { expect, test } from "./demo.js";

test("WASM_BLOCKED names the directive, and no method hangs", async ({ demo, page }) => {
  await demo.open("/no-wasm/livechat.html");
  const banner = page.getByRole("alert");
  await expect(banner).toContainText("WASM_BLOCKED");
  await expect(banner).toContainText("script-src 'self' 'wasm-unsafe-eval'");
  await demo.signIn("Ada Lovelace");
  for (const method of ["getToken", "getFreshToken", "hasToken", "invalidate"]) {
    await demo.press(method);
    await expect(demo.outcome).toContainText(`${method} failed: WASM_BLOCKED`);
    await expect(demo.outcome).toContainText("'wasm-unsafe-eval'");
  }
  await demo.press("Sign out");
  await expect(page.getByText("Nobody is signed in")).toBeVisible();
});
