// The globals that the package touches, where they fail in ways that a browser's own never do. In Node, which has none of a page's.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  TextEncoder,
  abortController,
  after,
  bytesOfBase64,
  cancel,
  isOffline,
  monotonicNow,
  randomBytes,
  resolveUrl,
  wallNow,
  weakly,
} from "../../pkg/src/environment.js";
import { identityOf, readIdentity } from "../../pkg/src/identity.js";
import { factsOf } from "../../pkg/src/thrown.js";
import { replaceGlobal, settled } from "./support/fake_globals.js";

/** Puts something in a global's place until the test is over. */
const replace = (context, name, value) => replaceGlobal(context, name, { writable: true, value });

test("rule_24_a_source_of_secrets_that_gives_nothing_is_none", (context) => {
  replace(context, "crypto", { getRandomValues: (bytes) => bytes });
  assert.equal(randomBytes(16), undefined);
});

test("rule_24_without_a_monotonic_clock_time_never_goes_back", (context) => {
  replace(context, "performance", undefined);
  let now = 2_000;
  replace(context, "Date", { now: () => now });
  const first = monotonicNow();
  now = 1_000;
  assert.equal(monotonicNow(), first);
  now = 3_000;
  assert.ok(monotonicNow() > first);
});

test("rule_24_a_wall_clock_that_fails_stands_still", (context) => {
  let now = 5_000;
  replace(context, "Date", { now: () => now });
  assert.equal(wallNow(), 5_000);
  for (now of [undefined, NaN, "now"]) assert.equal(wallNow(), 5_000);
});

test("rule_24_a_timer_that_the_page_took_over_meanwhile_is_cleared_all_the_same", async (context) => {
  let hasRun = false;
  const timer = after(() => (hasRun = true), 1);
  replace(context, "clearTimeout", () => {});
  cancel(timer);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(hasRun, false);
});

test("rule_24_where_a_page_has_no_abort_controller_that_works_a_source_is_told_of_the_end_once", (context) => {
  for (const broken of [
    undefined,
    class {},
    class {
      signal = { aborted: false };
    },
    class {
      signal = { aborted: true, addEventListener() {} };
    },
  ]) {
    replace(context, "AbortController", broken);
    const { signal, abort, isNative } = abortController();
    assert.equal(isNative, false);
    const heard = [];
    signal.onabort = (event) => heard.push(["onabort", event.type]);
    signal.addEventListener("abort", () => heard.push(["listener", signal.reason.name]));
    signal.throwIfAborted();
    abort();
    abort();
    assert.deepEqual(heard, [
      ["onabort", "abort"],
      ["listener", "AbortError"],
    ]);
    assert.throws(() => signal.throwIfAborted(), { name: "AbortError" });
  }
});

test("rule_24_a_weak_reference_that_finds_nothing_is_none", (context) => {
  const object = {};
  for (const broken of [
    undefined,
    class {},
    class {
      deref() {}
    },
    class {
      deref() {
        return {};
      }
    },
  ]) {
    replace(context, "WeakRef", broken);
    assert.equal(weakly(object).deref(), object);
  }
});

test("rule_24_text_with_a_lone_surrogate_is_encoded_as_browsers_do", (context) => {
  const texts = ["\uD800", "a\uDC00b", "\u{1F600}", "é"];
  const expected = texts.map((text) => [...new globalThis.TextEncoder().encode(text)]);
  replace(context, "TextEncoder", undefined);
  assert.deepEqual(
    texts.map((text) => [...new TextEncoder().encode(text)]),
    expected,
  );
});

test("what is no base64 is refused", () => {
  assert.deepEqual([...bytesOfBase64("-_8=")], [251, 255]);
  for (const wrong of ["a.b", "a b", "ä", "a\n", "a=b"]) assert.throws(() => bytesOfBase64(wrong), TypeError, wrong);
});

test("on a server an absolute address is resolved, in whatever letter case, and a relative one stays", () => {
  assert.equal(resolveUrl("HTTPS://Shop.example/token"), "https://shop.example/token");
  assert.equal(resolveUrl("/token"), "/token");
  assert.equal(resolveUrl("ftp://shop.example/"), null);
});

test("rule_13_where_nothing_says_whether_there_is_a_network_there_is_one", (context) => {
  for (const navigator of [undefined, {}, { onLine: undefined }]) {
    replace(context, "navigator", navigator);
    assert.equal(isOffline(), false);
    assert.equal(factsOf(new RangeError("no")).network, false);
  }
  replace(context, "navigator", { onLine: false });
  assert.equal(factsOf(new RangeError("no")).network, true);
});

test("rule_24_a_failure_whose_causes_never_end_is_looked_at_for_a_while", () => {
  let looked = 0;
  class Endless extends Error {
    get cause() {
      looked += 1;
      // A fault of the test itself ends here.
      return looked < 10_000 ? new Endless() : undefined;
    }
  }
  assert.equal(factsOf(new Endless()).ok, false);
  assert.ok(looked < 100, `${looked} causes were looked at`);
});

test("rule_08_every_identity_comes_back_as_the_page_said_it", () => {
  for (const identity of ["ada", "\uD800", "a\uDC00", "\0", '\0"ada"', "\0ada", "1"])
    assert.equal(identityOf(/** @type {string} */ (readIdentity(() => identity))), identity);
  const told = ["\uD800", "\uDBFF", '\0"\\ud800"'].map((identity) => readIdentity(() => identity));
  assert.equal(new Set(told).size, told.length, "no two of them are one person");
});

test("rule_08_an_identity_that_is_a_promise_and_fails_is_no_unhandled_rejection", async (context) => {
  context.mock.method(console, "error", () => {});
  const unhandled = [];
  const hear = (reason) => unhandled.push(reason);
  process.on("unhandledRejection", hear);
  context.after(() => process.off("unhandledRejection", hear));
  assert.equal(/** @type {any} */ (readIdentity(() => Promise.reject(new Error("no")))).code, "BAD_IDENTITY");
  await settled();
  assert.deepEqual(unhandled, []);
});
