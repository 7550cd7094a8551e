// What an application's tests do to the world around the package. Written for Vitest; `runners.test.js` makes of it what Jest takes.

import { afterEach, expect, test, vi } from "vitest";
import {
  IdentityError,
  connectLiveChat,
  custom_identity_provider,
  getAuthToken,
  sign_out,
} from "custom-identity-provider";

const HOURS = 60 * 60 * 1000;
const raw = (name) => ({ access_token: name, entity_id: "entity", expires_in: 28800, token_type: "Bearer" });
/** Fake timers with everything faked that the runner can fake. */
const fakeEverything = () =>
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date", "performance", "queueMicrotask"] });

/** A source that counts. */
const counting = () => {
  const source = vi.fn(async () => raw(`made-${source.mock.calls.length}`));
  return source;
};

afterEach(async () => {
  vi.useRealTimers();
  await sign_out();
  delete window.__lc;
  delete window.LiveChatWidget;
});

test("a token that was fetched before the timers were faked is good for its time and no longer", async () => {
  const source = counting();
  const { getToken } = custom_identity_provider({ licenseId: 1, identity: () => "ada", source });
  await getToken();
  fakeEverything();
  vi.advanceTimersByTime(7 * HOURS);
  expect((await getToken()).accessToken).toBe("made-1");
  vi.advanceTimersByTime(HOURS);
  expect((await getToken()).accessToken).toBe("made-2");
});

test("a token that was fetched under faked timers is good after them", async () => {
  fakeEverything();
  const source = counting();
  const { getToken } = custom_identity_provider({ licenseId: 1, identity: () => "ada", source });
  await getToken();
  vi.useRealTimers();
  await getToken();
  expect(source).toHaveBeenCalledTimes(1);
});

test("the deadline of a silent source passes by the faked timers", async () => {
  fakeEverything();
  const source = ({ signal }) =>
    new Promise((resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  const { getToken } = custom_identity_provider({
    licenseId: 1,
    identity: () => "ada",
    source,
    timeout: 60_000,
    patience: 0,
  });
  const refused = expect(getToken()).rejects.toMatchObject({ code: "TIMED_OUT" });
  await vi.advanceTimersByTimeAsync(61_000);
  await refused;
});

test("the page's own AbortSignal ends a wait", async () => {
  const { getToken } = custom_identity_provider({
    licenseId: 1,
    identity: () => "ada",
    source: () => new Promise(() => {}),
  });
  const controller = new AbortController();
  const left = expect(getToken({ signal: controller.signal })).rejects.toMatchObject({ name: "AbortError" });
  controller.abort();
  await left;
});

test("a relative address is resolved by the page's, and fetch may answer with the page's own Response", async () => {
  const answer = typeof Response === "function" ? Response : undefined;
  const body = JSON.stringify(raw("made"));
  globalThis.fetch = vi.fn(async () =>
    answer
      ? new answer(body, { status: 200, headers: { "content-type": "application/json" } })
      : { ok: true, status: 200, text: async () => body },
  );
  const { getToken } = custom_identity_provider({ licenseId: 1, identity: () => "ada", source: "/livechat/token" });
  expect((await getToken()).accessToken).toBe("made");
  expect(String(fetch.mock.calls[0][0])).toBe(new URL("/livechat/token", document.baseURI).href);
});

test("a stub of fetch that knows nothing but json will do", async () => {
  globalThis.fetch = vi.fn(async () => ({ ok: true, json: async () => raw("made") }));
  const { getToken } = custom_identity_provider({ licenseId: 1, identity: () => "ada", source: "/livechat/token" });
  expect((await getToken()).accessToken).toBe("made");
});

test("a token is an object like any other to the assertions, and outlives its handle in sessionStorage", async () => {
  const source = counting();
  const options = { licenseId: 1, identity: () => "ada", source };
  const token = await custom_identity_provider(options).getToken();
  expect(token).toEqual({
    accessToken: "made-1",
    entityId: "entity",
    expiresIn: 8 * HOURS,
    tokenType: "Bearer",
    creationDate: expect.any(Number),
    licenseId: 1,
  });
  expect(structuredCloneOr(token)).toEqual(token);
  expect(sessionStorage.length).toBe(1);
});

/** Not every environment has structuredClone. */
const structuredCloneOr = (value) =>
  typeof structuredClone === "function" ? structuredClone(value) : JSON.parse(JSON.stringify(value));

test("errors are IdentityErrors and Errors of this environment", async () => {
  const { getToken } = custom_identity_provider({
    licenseId: 1,
    identity: () => "ada",
    source: async () => {
      throw new Error("broken");
    },
    patience: 0,
  });
  const error = await getToken().catch((reason) => reason);
  expect(error).toBeInstanceOf(IdentityError);
  expect(error).toBeInstanceOf(Error);
  expect(error.code).toBe("SOURCE_FAILED");
  expect(() => custom_identity_provider({ source: 7 })).toThrow(IdentityError);
});

test("a copy of the package that is loaded anew shares the requests of the first, and its errors", async () => {
  const source = counting();
  const options = { licenseId: 1, identity: () => "ada", cache: "memory", source };
  await custom_identity_provider(options).getToken();
  vi.resetModules();
  const again = await import("custom-identity-provider");
  expect((await again.custom_identity_provider(options).getToken()).accessToken).toBe("made-1");
  expect(new again.IdentityError("NETWORK", "unreachable")).toBeInstanceOf(IdentityError);
});

test("connectLiveChat gives the provider, takes the widget off at a sign-out, and tells the page whatever is faked", async () => {
  fakeEverything();
  let person = "ada";
  const called = [];
  window.LiveChatWidget = { call: (name) => void called.push(name), init: () => void called.push("init") };
  const onSignOut = vi.fn();
  const disconnect = connectLiveChat({ licenseId: 1, identity: () => person, source: counting(), onSignOut });
  expect((await window.__lc.custom_identity_provider().getToken()).accessToken).toBe("made-1");
  for (const next of ["grace", null]) {
    person = next;
    await sign_out();
    await vi.advanceTimersByTimeAsync(60_000);
  }
  expect(onSignOut).toHaveBeenCalledTimes(2);
  expect(called).toContain("destroy");
  disconnect();
});

test("a JWT is taken apart, and answered as Omnichannel wants it", async () => {
  const part = (value) => btoa(JSON.stringify(value)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const now = Math.floor(Date.now() / 1000);
  const token = [{ alg: "RS256" }, { sub: "ada", iat: now, exp: now + 300 }, 1].map(part).join(".");
  expect(await getAuthToken({ identity: () => "ada", source: async () => token })()).toBe(token);
});
