// That importing the package touches nothing: in a file of its own, for it must be the first import.

import { expect, test, vi } from "vitest";

test("importing the package changes no global and listens to nothing", async () => {
  const listening = vi.spyOn(window, "addEventListener");
  const before = Reflect.ownKeys(globalThis);
  const { custom_identity_provider } = await import("custom-identity-provider");
  expect(typeof custom_identity_provider).toBe("function");
  expect(listening).not.toHaveBeenCalled();
  expect(Reflect.ownKeys(globalThis).filter((key) => !before.includes(key))).toEqual([]);
});
