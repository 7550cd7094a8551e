// Promises that the core settles, and the deadline where it can't any more. The clocks are fake.

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import { Deferred } from "../../pkg/src/guard.js";
import { leavable } from "../../pkg/src/promise.js";
import { fakeClocks, heldTimers, settled } from "./support/fake_globals.js";

test("rule_18_what_is_settled_or_left_leaves_no_timer", (context) => {
  const running = heldTimers(context);
  for (const end of ["resolve", "reject", "close"]) {
    const deferred = new Deferred(60_000);
    assert.equal(running.size, 1);
    deferred[end](undefined);
    assert.equal(running.size, 0, end);
  }
});

test("rule_18_what_is_settled_is_garbage", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc");
  const make = (end) => {
    const deferred = new Deferred(60_000);
    deferred[end](undefined);
    return new WeakRef(deferred);
  };
  const made = ["resolve", "reject", "close"].map(make);
  await settled();
  collect();
  assert.deepEqual(
    made.map((reference) => reference.deref()),
    [undefined, undefined, undefined],
  );
});

test("rule_18_a_promise_that_nobody_settles_is_rejected_at_its_limit_by_the_monotonic_clock", async (context) => {
  const clock = fakeClocks(context);
  let code;
  new Deferred(1_000).promise.catch((error) => (code = error.code));
  // Timers ran ahead of the clock, as after a page was frozen.
  clock.now = 400;
  mock.timers.tick(1_000);
  await settled();
  assert.equal(code, undefined);
  clock.now = 1_000;
  mock.timers.tick(600);
  await settled();
  assert.equal(code, "WASM_TRAPPED");
});

test("rule_20_a_caller_s_signal_is_listened_to_no_longer_than_its_wait", async () => {
  const { signal } = new AbortController();
  const heard = new Set();
  signal.addEventListener = (type, hear) => void heard.add(hear);
  signal.removeEventListener = (type, hear) => void heard.delete(hear);
  for (const ask of [async () => "token", () => Promise.reject(new Error("no"))]) {
    const own = leavable(ask(), signal, () => assert.fail("nobody left"));
    assert.equal(heard.size, 1);
    const [abort] = heard;
    await own.catch(() => {});
    await settled();
    assert.equal(heard.size, 0);
    // A signal that takes no listener back tells nothing any more.
    abort();
  }
});
