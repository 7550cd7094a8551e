// Code of the page that runs where the package meets it: getters, Proxies, listeners, identities, a console of its own, another frame's objects.

import { custom_identity_provider, sign_out, IdentityError } from "../../pkg/generated/tested.js";
import { replace } from "./fixtures.js";

let licenseId = 700_000;
const answer = (name = "a") => ({ access_token: name, entity_id: "entity", expires_in: 3600, token_type: "Bearer" });

/** A provider of an account of its own. */
const provide = (options) =>
  custom_identity_provider({
    licenseId: (licenseId += 1),
    identity: () => "somebody",
    cache: "memory",
    source: async () => answer(),
    ...options,
  });

/** How a call ended, within a few seconds. */
export const end = (promise) =>
  Promise.race([
    promise.then(
      (token) => token?.accessToken ?? String(token),
      (error) => error?.code ?? String(error),
    ),
    new Promise((resolve) => setTimeout(() => resolve("hangs"), 4_000)),
  ]);

export const expectEqual = (found, expected, what) => {
  if (JSON.stringify(found) !== JSON.stringify(expected))
    throw new Error(`${what}: ${JSON.stringify(found)}, expected ${JSON.stringify(expected)}`);
};

const thrower = () => {
  throw new Error("the page's own");
};
const traps = new Proxy({}, { get: () => thrower });
const revoked = () => {
  const { proxy, revoke } = Proxy.revocable(answer(), {});
  revoke();
  return proxy;
};
class Answer {
  get access_token() {
    return "a";
  }
}

/** Answers that run code of the page when they are read, each with the end that it has. */
export const answersThatRunCode = async () => {
  const answers = {
    "a getter that throws": [
      {
        ...answer(),
        get entity_id() {
          return thrower();
        },
      },
      "BAD_ANSWER",
    ],
    "a getter that answers": [
      {
        ...answer(),
        get entity_id() {
          return "entity";
        },
      },
      "a",
    ],
    // Promises ask these for `then`, so it is the source's promise that fails.
    "a revoked Proxy": [revoked(), "SOURCE_FAILED"],
    "a Proxy whose every trap throws": [new Proxy({}, traps), "SOURCE_FAILED"],
    "a Proxy of a good answer": [new Proxy(answer(), {}), "a"],
    "a class with getters": [new Answer(), "BAD_ANSWER"],
    "inherited fields": [Object.create(answer()), "BAD_ANSWER"],
    "no prototype": [Object.assign(Object.create(null), answer()), "a"],
    "an object as a field": [{ ...answer(), access_token: new Proxy({}, traps) }, "BAD_ANSWER"],
    "a symbol as a field": [{ ...answer(), access_token: Symbol("a") }, "BAD_ANSWER"],
    "a BigInt as a field": [{ ...answer(), expires_in: 3600n }, "BAD_ANSWER"],
    "a function": [() => answer(), "BAD_ANSWER"],
    "a symbol": [Symbol("a"), "BAD_ANSWER"],
  };
  for (const [what, [given, expected]] of Object.entries(answers)) {
    let isOver = false;
    const provider = provide({ source: async () => (isOver ? answer("next") : given) });
    expectEqual(await end(provider.getToken()), expected, what);
    isOver = true;
    await provider.invalidate();
    const next = await end(provider.getToken());
    expectEqual(next, expected === "a" ? "next" : "COOLING_DOWN", `the call after ${what}`);
  }
  Object.prototype.entity_id = "everybody's";
  try {
    const { entity_id: _, ...partial } = answer();
    expectEqual(
      await end(provide({ source: async () => partial }).getToken()),
      "BAD_ANSWER",
      "a field of Object.prototype",
    );
  } finally {
    delete Object.prototype.entity_id;
  }
};

/** A getter that asks the provider itself while its answer is read. */
export const answersThatCallBack = async () => {
  let inner;
  const provider = provide({
    source: async () => ({
      ...answer(),
      get entity_id() {
        inner ??= end(provider.getToken());
        return "entity";
      },
    }),
  });
  expectEqual([await end(provider.getToken()), await inner], ["a", "a"], "a getter that asks");
};

/** What a source throws, whatever it is. */
export const failuresThatRunCode = async () => {
  for (const thrown of [
    undefined,
    null,
    17,
    "text",
    Symbol("s"),
    revoked(),
    new Proxy({}, traps),
    {
      get status() {
        return thrower();
      },
    },
    { status: new Proxy({}, traps) },
    new Proxy(new Error("e"), traps),
  ]) {
    const provider = provide({ source: () => Promise.reject(thrown), patience: 0 });
    const code = await end(provider.getToken());
    if (code === "hangs" || code === "WASM_TRAPPED" || !/^[A-Z_]+$/.test(code))
      throw new Error(`${typeof thrown}: ${code}`);
    expectEqual(await end(provide({}).getToken()), "a", "another session afterwards");
  }
};

/** A listener that calls the provider back, from every event. */
export const listenersThatCallBack = async () => {
  for (const method of ["getToken", "getFreshToken", "hasToken", "invalidate"]) {
    const seen = new Set();
    const inner = [];
    const provider = provide({
      onEvent: ({ type }) => {
        if (seen.has(type)) return;
        seen.add(type);
        inner.push(end(provider[method]()));
      },
    });
    expectEqual(await end(provider.getToken()), "a", `getToken, with ${method} from a listener`);
    const ends = await Promise.all(inner);
    if (ends.length < 3 || ends.includes("hangs") || ends.includes("WASM_TRAPPED"))
      throw new Error(`${method}: ${ends}`);
  }
};

/** An identity that calls the provider back, or signs out. */
export const identitiesThatCallBack = async () => {
  for (const call of [
    (provider) => provider.getToken(),
    (provider) => provider.invalidate(),
    (provider) => provider.hasToken(),
    () => sign_out(),
  ]) {
    let depth = 0;
    const provider = provide({
      identity: () => {
        if (depth < 3) {
          depth += 1;
          void end(call(provider));
        }
        return "somebody";
      },
    });
    const found = await end(provider.getToken());
    if (!["a", "SIGNED_OUT"].includes(found)) throw new Error(found);
    expectEqual(await end(provider.getToken()), "a", "the next call");
  }
};

/** A console that throws, and a listener that throws. */
export const aConsoleThatThrows = async () => {
  replace(console, "error", { writable: true, value: thrower });
  const provider = provide({ onEvent: thrower });
  expectEqual(await end(provider.getToken()), "a", "with a console that throws");
  expectEqual(await end(provider.getToken()), "a", "the next call");
};

/** Rule 7: a listener of one session finds nothing of another. */
export const signedOutListenersFindNothing = async () => {
  let found;
  const listening = provide({
    onEvent: ({ type }) => {
      if (type === "signed_out") found ??= other.hasToken();
    },
  });
  const other = provide({});
  expectEqual([await end(listening.getToken()), await end(other.getToken())], ["a", "a"], "both hold a token");
  await sign_out();
  expectEqual(await found, false, "what a listener finds of another session");
};

/** Rule 20: a signal that is aborted while the call is made. */
export const aSignalAbortedDuringTheCall = async () => {
  const controller = new AbortController();
  const provider = provide({
    source: () => new Promise(() => {}),
    identity: () => {
      controller.abort(new Error("left"));
      return "somebody";
    },
  });
  const failure = await Promise.race([
    provider.getToken({ signal: controller.signal }).catch((error) => error.message),
    new Promise((resolve) => setTimeout(() => resolve("hangs"), 3_000)),
  ]);
  expectEqual(failure, "left", "a signal aborted by identity");
  // Safari before 15.4 keeps no reason.
  const bare = { aborted: true, reason: undefined, addEventListener() {}, removeEventListener() {} };
  const reason = await provide({})
    .getToken({ signal: bare })
    .catch((error) => error);
  expectEqual(reason?.name, "AbortError", "a signal without a reason");
};

/** What a source says when its last caller has left is nobody's mistake. In a copy of its own, for a mistake is said once. */
export const failuresThatNobodyWaitsFor = async () => {
  const copy = await import(new URL("../../pkg/generated/tested.js?left", import.meta.url).href);
  const said = [];
  replace(console, "error", { writable: true, value: (...words) => void said.push(words.join(" ")) });
  const failing = async (isLeft) => {
    const controller = new AbortController();
    const provider = copy.custom_identity_provider({
      licenseId: (licenseId += 1),
      identity: null,
      cache: "memory",
      source: async () => {
        if (isLeft) controller.abort();
        throw new RangeError("of the source");
      },
    });
    await end(provider.getToken({ signal: controller.signal }));
    await new Promise((resolve) => setTimeout(resolve));
  };
  await failing(true);
  expectEqual(said.length, 0, "said of who was left");
  await failing(false);
  expectEqual(said.length, 1, "said of who is waited for");
};

/** Objects of another frame are as good as ours. */
export const anotherFramesObjects = async () => {
  const frame = document.createElement("iframe");
  document.body.append(frame);
  const there = frame.contentWindow;
  const controller = new there.AbortController();
  const provider = provide({ source: () => there.Promise.resolve(there.JSON.parse(JSON.stringify(answer()))) });
  expectEqual(
    await end(provider.getToken({ signal: controller.signal })),
    "a",
    "a signal, a promise and an object of another frame",
  );
  const waiting = provide({ source: () => new Promise(() => {}) })
    .getToken({ signal: controller.signal })
    .catch((error) => error.name);
  controller.abort();
  expectEqual(await waiting, "AbortError", "a signal of another frame that is aborted");
  frame.remove();
};

/** A subclass of the error is told as classes are. */
export const subclassesOfTheError = async () => {
  class Special extends IdentityError {}
  const plain = new IdentityError("REFUSED", "no");
  const special = new Special("REFUSED", "no");
  expectEqual(
    [
      plain instanceof Special,
      special instanceof Special,
      special instanceof IdentityError,
      plain instanceof IdentityError,
    ],
    [false, true, true, true],
    "instanceof",
  );
};

/** A promise as identity is a mistake that is told, and no unhandled rejection beside it. */
export const anIdentityThatIsAsync = async () => {
  const unhandled = [];
  const hear = (event) => {
    unhandled.push(String(event.reason));
    event.preventDefault();
  };
  addEventListener("unhandledrejection", hear);
  replace(console, "error", { writable: true, value: () => {} });
  expectEqual(
    await end(
      provide({
        identity: async () => {
          throw new Error("no session");
        },
      }).getToken(),
    ),
    "BAD_IDENTITY",
    "an async identity",
  );
  await new Promise((resolve) => setTimeout(resolve));
  removeEventListener("unhandledrejection", hear);
  expectEqual(unhandled, [], "unhandled rejections");
};
