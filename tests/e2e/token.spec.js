// A token's life on the page: fetched, kept over a reload, shared by a burst, expired, refreshed, invalidated.

import { expect, test } from "./demo.js";

test("signing in shows a token, and every field of it", async ({ demo, standIn }) => {
  await demo.open();
  await expect(demo.page.getByText("Nobody is signed in")).toBeVisible();
  await demo.signInAndGetToken("Ada Lovelace");
  await expect(demo.field("accessToken")).toHaveText(/^\d+ characters, ending in .{4}$/);
  await expect(demo.field("entityId")).toHaveText(/^[0-9a-f-]{36}$/);
  await expect(demo.field("tokenType")).toHaveText("Bearer");
  await expect(demo.field("expiresIn")).toHaveText(/^28(800|799)000 ms$/);
  await expect(demo.field("licenseId")).toHaveText("12345678");
  await expect(demo.life).toHaveAttribute("aria-valuetext", /^7 h 59 min of 7 h 59 min$/);
  expect(await standIn.tokensIssued()).toBe(1);
});
