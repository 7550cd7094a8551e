// What the page tells the core: when it wakes it, and what it finds where the mark of a sign-out is kept. In Node, with a page's globals made by the test.

import assert from "node:assert/strict";
import { test } from "node:test";

import { lookAnew, lookAtMark, wakeAfter, writeMark } from "../../pkg/src/page.js";
import { heldTimers, replaceGlobal } from "./support/fake_globals.js";

test("a later wake takes an earlier one's place, one that is due is not forgotten, and below zero there is none", (context) => {
  const running = heldTimers(context);
  const delays = [1_000, 500, 0, -1].map((delay) => {
    wakeAfter(delay);
    return [...running.values()];
  });
  assert.deepEqual(delays, [[1_000], [500], [0], []]);
});

test("rule_07_a_mark_that_cannot_be_read_is_told_from_one_that_is_missing, and each is news once", (context) => {
  const throwing = () => {
    throw new DOMException("blocked", "SecurityError");
  };
  const storageOf = (mark) => ({ value: { getItem: () => mark } });
  for (const [descriptor, expected] of [
    [{ get: throwing }, false],
    [{ value: undefined }, false],
    [{ value: { getItem: throwing } }, false],
    [storageOf(17), false],
    [storageOf(null), null],
    [storageOf("mark"), "mark"],
  ]) {
    replaceGlobal(context, "localStorage", descriptor);
    lookAnew();
    assert.equal(lookAtMark(), expected);
    assert.equal(lookAtMark(), undefined);
  }
});

test("rule_07_a_full_storage_takes_a_mark_in_an_older_one_s_place, or holds none", (context) => {
  for (const [room, expected] of [
    [10, ["newer-mark", true]],
    [4, [null, false]],
  ]) {
    let kept = "older";
    const setItem = (_key, text) => {
      // As some engines count: the older value until it is gone.
      if ((kept ?? "").length + text.length > room) throw new DOMException("full", "QuotaExceededError");
      kept = text;
    };
    replaceGlobal(context, "localStorage", {
      value: { getItem: () => kept, setItem, removeItem: () => void (kept = null) },
    });
    const isWritten = writeMark("newer-mark");
    assert.deepEqual([kept, isWritten], expected);
    // What this page wrote is no news to it.
    if (isWritten) assert.equal(lookAtMark(), undefined);
  }
});
