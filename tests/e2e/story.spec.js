import { expect, test } from "./demo.js";
test("try", async ({ page }) => {
  page.on("console", (m) => console.log(m.type(), m.text()));
  page.on("pageerror", (e) => console.log("error", e));
  await page.goto("/?speed=20");
  await page.getByRole("button", { name: "Play the story" }).click();
  await expect(page.locator("#now")).toContainText("That is the story", { timeout: 50000 }).catch((e) => console.log(String(e).slice(0, 500)));
  console.log(await page.locator("#steps").innerText());
  await page.screenshot({ path: "../../target/screenshots/story-try.png", fullPage: true });
});
