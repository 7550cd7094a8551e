// Each kind of source brings a token, by its own way to LiveChat's accounts.

import { expect, test } from "./demo.js";

const SOURCES = [
  { name: "Own service", grants: ["agent_token"] },
  { name: "Function", grants: ["agent_token"] },
  { name: "identity_token grant", grants: ["identity_transfer", "identity_token"] },
  { name: "cookie grant", grants: ["cookie"] },
];

for (const { name, grants } of SOURCES) {
  test(`source: ${name}`, async ({ demo, standIn }) => {
    await demo.open();
    const entity = await demo.signInAndGetToken("Grace Hopper");
    const first = await demo.tokenEnd();
    const { requests: before } = await standIn.state();
    await demo.choose(name);
    await demo.press("getFreshToken");
    await expect(demo.outcome).toContainText("getFreshToken resolved after");
    expect(await demo.tokenEnd()).not.toBe(first);
    const { requests } = await standIn.state();
    expect(requests.slice(before.length).map(({ grant, status }) => `${grant} ${status}`)).toEqual(
      grants.map((grant) => `${grant} 200`),
    );
    if (name === "cookie grant") {
      // LiveChat's cookie knows the browser and not the person, and the package says that the entity changed.
      expect(await demo.entity()).not.toBe(entity);
      await expect(demo.log.filter({ hasText: "another entity id" })).toHaveCount(1);
      await expect(demo.page.getByText("LiveChat’s cookie belongs to the browser")).toBeVisible();
    } else {
      expect(await demo.entity()).toBe(entity);
    }
  });
}
