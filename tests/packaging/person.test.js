// Whom a running widget serves, as every watched widget stands on it: when the page is asked, and what is told of who left. The clocks are fake.

import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { watchPerson } from "../../pkg/src/person.js";
import { fakeClocks, settled } from "./support/fake_globals.js";

/** A page with clocks of its own, and a widget that writes down what is done with it. */
const open = (context, first) => {
  const clock = fakeClocks(context);
  const page = { person: first, asked: 0, left: 0, instance: "first", done: [] };
  const watch = watchPerson({
    attach: (_connection, person) => void (page.attached = person),
    end: (_connection, from) => page.done.push(["end", from]),
    begin: (_connection, person) => page.done.push(["begin", person]),
    detach: () => page.done.push(["detach"]),
    instance: () => page.instance,
  });
  const identity = () => {
    page.asked += 1;
    if (page.person instanceof Error) throw page.person;
    return page.person;
  };
  const onSignOut = () => void (page.left += 1);
  return Object.assign(page, {
    watch,
    connect: (more) => watch.connect({ identity, onSignOut, ...more }),
    /** Lets time pass. */
    wait: (milliseconds) => {
      for (let passed = 0; passed < milliseconds; passed += 1) {
        clock.now += 1;
        mock.timers.tick(1);
      }
    },
    /** What was done with the widget since this was asked last. */
    since: () => page.done.splice(0),
  });
};

test("a page is asked every second at most and at least, however long nothing changes, and closely after a change", (context) => {
  const page = open(context, "ada");
  page.connect();
  page.wait(60_000);
  page.asked = 0;
  page.wait(10_000);
  assert.equal(page.asked, 10);
  page.person = "grace";
  page.wait(1_000);
  assert.deepEqual(page.since().at(-1), ["begin", "grace"]);
  page.asked = 0;
  page.wait(1_000);
  assert.ok(page.asked >= 5, `asked ${page.asked} times in the second after a change`);
});

test("looks that follow each other leave one timer", (context) => {
  const page = open(context, "ada");
  page.connect();
  page.wait(60_000);
  for (let look = 0; look < 20; look += 1) page.watch.hear({ type: "identity_changed" });
  page.asked = 0;
  page.wait(5_000);
  assert.equal(page.asked, 5);
});

test("rule_07_after_a_sign_out_the_widget_waits_for_who_is_there_and_no_longer_than_a_second", (context) => {
  const page = open(context, "ada");
  page.connect();
  page.since();
  page.watch.hear({ type: "signed_out" });
  assert.deepEqual(page.since(), [["end", "ada"]]);
  page.wait(900);
  assert.deepEqual(page.since(), [], "the page may still say who left");
  page.wait(1_000);
  assert.deepEqual(page.since(), [["begin", "ada"]]);
});

test("rule_07_after_a_sign_out_the_widget_begins_at_once_for_somebody_else", (context) => {
  const page = open(context, "ada");
  page.connect();
  page.since();
  page.watch.hear({ type: "signed_out" });
  page.person = null;
  page.wait(100);
  assert.deepEqual(page.since(), [
    ["end", "ada"],
    ["begin", null],
  ]);
});

test("rule_07_one_sign_out_is_heard_once_whatever_sessions_tell_it_and_the_next_one_again", async (context) => {
  const page = open(context, "ada");
  page.connect();
  page.since();
  for (const type of ["signed_out", "signed_out", "may_have_left"]) page.watch.hear({ type });
  assert.deepEqual(page.since(), [["end", "ada"]]);
  page.wait(2_000);
  await settled();
  assert.equal(page.left, 1);
  page.watch.hear({ type: "signed_out" });
  assert.deepEqual(page.since(), [
    ["begin", "ada"],
    ["end", "ada"],
  ]);
  await settled();
  assert.equal(page.left, 2);
});

test("rule_07_where_somebody_may_have_left_the_widget_begins_anew_and_the_page_is_told_of_nobody", async (context) => {
  const page = open(context, "ada");
  page.connect();
  page.since();
  page.watch.hear({ type: "may_have_left" });
  page.wait(2_000);
  await settled();
  assert.deepEqual(page.since(), [
    ["end", "ada"],
    ["begin", "ada"],
  ]);
  assert.equal(page.left, 0);
});

test("rule_07_a_sign_out_where_nobody_is_served_ends_nothing_but_for_guests", (context) => {
  const page = open(context, null);
  const undo = page.connect();
  page.since();
  page.watch.hear({ type: "signed_out" });
  assert.deepEqual(page.since(), []);
  undo();
  page.since();
  page.connect({ hasGuests: true });
  return settled().then(() => {
    page.since();
    page.watch.hear({ type: "signed_out" });
    assert.deepEqual(page.since(), [["end", null]]);
  });
});

test("who leaves is told once with a sign-out, and again after ten seconds, or when others were there meanwhile", async (context) => {
  const page = open(context, "ada");
  page.connect();
  const leaves = async (person) => {
    page.person = person;
    page.wait(1_100);
    await settled();
    return page.left;
  };
  page.watch.hear({ type: "signed_out" });
  assert.equal(await leaves("ada"), 1);
  assert.equal(await leaves("grace"), 1, "the change that follows a sign-out is one with it");
  assert.equal(await leaves("ada"), 2, "grace left");
  assert.equal(await leaves(null), 3, "ada came back and left anew");
  assert.equal(await leaves("ada"), 3, "nobody left");
  page.watch.hear({ type: "signed_out" });
  assert.equal(await leaves("ada"), 4);
  page.wait(10_000);
  assert.equal(await leaves(null), 5, "ten seconds later it is no aftermath");
});

test("an undo counts once: what the page begins by itself after it is not taken for ours", (context) => {
  const page = open(context, "ada");
  const undo = page.connect();
  undo();
  page.instance = "the page's own";
  undo();
  page.since();
  page.connect();
  assert.deepEqual(page.since(), [
    ["end", false],
    ["begin", "ada"],
  ]);
});

test("a page is asked no more once nothing is connected", (context) => {
  const page = open(context, "ada");
  const undo = page.connect();
  undo();
  assert.deepEqual(page.since().at(-1), ["detach"]);
  page.asked = 0;
  page.wait(5_000);
  assert.equal(page.asked, 0);
});

test("while a page cannot say who is there, whom it serves stays as it is; nobody, where it never said", (context) => {
  const errors = context.mock.method(console, "error", () => {});
  const page = open(context, new Error("not yet"));
  page.connect();
  assert.deepEqual([page.since(), page.attached], [[], null]);
  page.person = "ada";
  page.wait(100);
  page.person = new Error("not yet");
  page.wait(5_000);
  assert.equal(page.attached, "ada");
  assert.deepEqual(page.since(), [
    ["end", false],
    ["begin", "ada"],
  ]);
  assert.equal(errors.mock.callCount(), 1);
});

test("the first connection that stands serves, the others wait, and a function that several have is told once", async (context) => {
  const page = open(context, "ada");
  const undo = page.connect();
  page.connect({ identity: () => "grace" });
  page.wait(2_000);
  assert.deepEqual(page.since(), [
    ["end", false],
    ["begin", "ada"],
  ]);
  page.watch.hear({ type: "signed_out" });
  await settled();
  assert.equal(page.left, 1);
  page.wait(2_000);
  page.since();
  undo();
  assert.deepEqual(page.since(), [
    ["end", "ada"],
    ["begin", "grace"],
  ]);
  assert.equal(page.attached, "grace");
});

test("who changed, as a session tells it, is looked at at once", (context) => {
  const page = open(context, "ada");
  page.connect();
  page.since();
  page.person = "grace";
  page.watch.hear({ type: "identity_changed" });
  assert.deepEqual(page.since(), [
    ["end", "ada"],
    ["begin", "grace"],
  ]);
});

test("connecting anew after an undo begins nothing where the widget and its person are the same", (context) => {
  const page = open(context, "ada");
  page.connect()();
  page.since();
  page.connect();
  page.wait(2_000);
  assert.deepEqual(page.since(), []);
});

test("a page that does not say who is there is served as somebody, also after another that did", (context) => {
  context.mock.method(console, "error", () => {});
  const page = open(context, "ada");
  const undo = page.connect({ identity: null });
  assert.deepEqual(page.since(), [
    ["end", false],
    ["begin", undefined],
  ]);
  page.person = new Error("not yet");
  page.connect();
  undo();
  assert.equal(page.attached, undefined);
  assert.deepEqual(page.since(), []);
});
