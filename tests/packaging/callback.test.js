// What every callback widget stands on: one answer, in time, whatever happens. The clock is Node's fake one.

import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { answerOnce, isNobody, within } from "../../pkg/src/callback.js";
import { heldTimers, settled } from "./support/fake_globals.js";

const DEADLINE = 8_000;

/** Answers with what the callback is called with. */
const record = () => {
  const calls = [];
  return { calls, callback: (...given) => void calls.push(given) };
};
const succeed = (token) => [token];
const fail = (error) => [null, error.code ?? "failed"];
const told = () => {};
/** As a widget's shape puts it together: whatever is asked for has the widget's deadline. */
const answer = (callback, ask) => answerOnce(callback, () => within(DEADLINE, ask), succeed, fail, told);

test("rule_14_an_answer_reaches_the_callback_once", async () => {
  const { calls, callback } = record();
  answer(callback, async () => "token");
  await settled();
  assert.deepEqual(calls, [["token"]]);
});

test("rule_14_a_failure_and_a_throw_reach_the_callback_in_the_failure_form", async () => {
  const { calls, callback } = record();
  answer(callback, () => Promise.reject(new Error("no")));
  answer(callback, () => {
    throw new Error("no");
  });
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
  answer(callback, () => new Promise((resolve) => (late = resolve)));
  mock.timers.tick(DEADLINE - 1);
  await settled();
  assert.deepEqual(calls, []);
  mock.timers.tick(1);
  await settled();
  assert.deepEqual(calls, [[null, "TIMED_OUT"]]);
  late("token");
  await settled();
  assert.equal(calls.length, 1);
});

test("rule_14_silence_is_a_failure_that_may_pass", async (context) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  context.after(() => mock.timers.reset());
  const silence = within(DEADLINE, () => new Promise(() => {}));
  mock.timers.tick(DEADLINE);
  await assert.rejects(silence, { code: "TIMED_OUT", retryable: true });
});

test("rule_14_whatever_was_answered_leaves_no_timer", async (context) => {
  const running = heldTimers(context);
  const throwing = () => {
    throw new Error("no");
  };
  for (const ask of [async () => "token", () => "token", () => Promise.reject(new Error("no")), throwing]) {
    const answered = within(DEADLINE, ask).catch(() => {});
    assert.equal(running.size, 1);
    await answered;
    await settled();
    assert.equal(running.size, 0);
  }
});

test("rule_14_a_callback_that_throws_hurts_nobody_and_is_not_called_again", async (context) => {
  const complaints = context.mock.method(console, "error", () => {});
  let called = 0;
  answer(
    () => {
      called += 1;
      throw new Error("the widget is broken");
    },
    async () => "token",
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
  answerOnce(callback, async () => "token", broken, fail, told);
  await settled();
  assert.deepEqual(calls, [[null, "failed"]]);
});

test("rule_14_a_callback_that_is_no_function_throws_at_once", () => {
  for (const wrong of [undefined, null, {}, "callback"]) {
    assert.throws(() => answer(wrong, async () => "token"), TypeError);
  }
});

test("rule_14_who_watches_is_told_once_that_the_widget_was_answered", async () => {
  const heard = [];
  answerOnce(
    () => {},
    async () => "token",
    succeed,
    fail,
    (error) => heard.push(error),
  );
  const failure = new Error("no");
  answerOnce(
    () => {},
    () => Promise.reject(failure),
    succeed,
    fail,
    (error) => heard.push(error),
  );
  await settled();
  assert.deepEqual(heard, [undefined, failure]);
});

test("that nobody is signed in is seen through a cool-down, and nothing else is taken for it", () => {
  for (const code of ["NOT_SIGNED_IN", "SIGNED_OUT"]) {
    assert.ok(isNobody({ code }));
    assert.ok(isNobody({ code: "COOLING_DOWN", cause: { code } }));
    assert.ok(!isNobody({ code: "SOURCE_FAILED", cause: { code } }));
  }
  for (const error of [
    { code: "NETWORK" },
    { code: "COOLING_DOWN", cause: { code: "NETWORK" } },
    { code: "COOLING_DOWN" },
    new Error("x"),
  ]) {
    assert.ok(!isNobody(error));
  }
});
