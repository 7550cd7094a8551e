// Globals, clocks and timers that a test makes, in the place of Node's own until the test is over.

import { mock } from "node:test";

/** What was waiting has run. */
export const settled = () => new Promise((resolve) => setImmediate(resolve));

/** @param {import("node:test").TestContext} context @param {string} name @param {PropertyDescriptor} descriptor */
export const replaceGlobal = (context, name, descriptor) => {
  const before = Object.getOwnPropertyDescriptor(globalThis, name);
  Object.defineProperty(globalThis, name, { configurable: true, ...descriptor });
  context.after(() => {
    delete globalThis[name];
    if (before) Object.defineProperty(globalThis, name, before);
  });
};

/** The monotonic clock, which stands at `now`, and apart from it the timers, which `mock.timers` moves. @param {import("node:test").TestContext} context */
export const fakeClocks = (context) => {
  const clock = { now: 0 };
  mock.timers.enable({ apis: ["setTimeout"] });
  context.after(() => mock.timers.reset());
  replaceGlobal(context, "performance", { value: { now: () => clock.now } });
  return clock;
};

/** The timers that run, each with its delay; none ever ends by itself. @param {import("node:test").TestContext} context */
export const heldTimers = (context) => {
  /** @type {Map<object, number>} */
  const running = new Map();
  context.mock.method(globalThis, "setTimeout", (task, delay) => {
    const timer = { task };
    running.set(timer, delay);
    return timer;
  });
  context.mock.method(globalThis, "clearTimeout", (timer) => running.delete(timer));
  return running;
};
