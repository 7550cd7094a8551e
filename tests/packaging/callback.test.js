// What every callback widget stands on: one answer, in time, whatever happens. The clock is Node's fake one.

import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { answerOnce } from "../../pkg/src/callback.js";

const DEADLINE = 8_000;

/** Answers with what the callback is called with. */
const record = () => {
  const calls = [];
  return { calls, callback: (...given) => void calls.push(given) };
};
const succeed = (token) => [token];
const fail = (error) => [null, error.code ?? "failed"];
const settled = () => new Promise((resolve) => setImmediate(resolve));

test("rule_14_an_answer_reaches_the_callback_once", async () => {
  const { calls, callback } = record();
  answerOnce(callback, DEADLINE, async () => "token", succeed, fail);
  await settled();
  assert.deepEqual(calls, [["token"]]);
});

test("rule_14_a_failure_and_a_throw_reach_the_callback_in_the_failure_form", async () => {
  const { calls, callback } = record();
  answerOnce(callback, DEADLINE, () => Promise.reject(new Error("no")), succeed, fail);
  answerOnce(
    callback,
    DEADLINE,
    () => {
      throw new Error("no");
    },
    succeed,
    fail,
  );
  await settled();
  assert.deepEqual(calls, [
    [null, "failed"],
    [null, "failed"],
  ]);
});

test("rule_14_silence_is_answered_at_the_deadline_and_a_late_answer_is_not_heard", async (context) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  context.after(() => mock.timers.reset());
  const { calls, callback } = record();
  let late;
  answerOnce(callback, DEADLINE, () => new Promise((resolve) => (late = resolve)), succeed, fail);
  mock.timers.tick(DEADLINE - 1);
  assert.deepEqual(calls, []);
  mock.timers.tick(1);
  assert.deepEqual(calls, [[null, "TIMED_OUT"]]);
  late("token");
  await settled();
  assert.equal(calls.length, 1);
});

test("rule_14_a_callback_that_throws_hurts_nobody_and_is_not_called_again", async (context) => {
  const complaints = context.mock.method(console, "error", () => {});
  let called = 0;
  answerOnce(
    () => {
      called += 1;
      throw new Error("the widget is broken");
    },
    DEADLINE,
    async () => "token",
    succeed,
    fail,
  );
  await settled();
  assert.equal(called, 1);
  assert.equal(complaints.mock.callCount(), 1);
});

test("rule_14_an_answer_that_has_no_form_is_a_failure", async () => {
  const { calls, callback } = record();
  const broken = () => {
    throw new Error("no form");
  };
  answerOnce(callback, DEADLINE, async () => "token", broken, fail);
  await settled();
  assert.deepEqual(calls, [[null, "failed"]]);
});

test("rule_14_a_callback_that_is_no_function_throws_at_once", () => {
  for (const wrong of [undefined, null, {}, "callback"]) {
    assert.throws(() => answerOnce(wrong, DEADLINE, async () => "token", succeed, fail), TypeError);
  }
});
