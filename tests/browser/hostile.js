// Pages whose globals are missing, throw, or are something else than the browser's: the package in a frame of its own for each.

const PACKAGE = new URL("../../pkg/generated/tested.js", import.meta.url).href;

/** What can be wrong with a global. Run in the frame, as text. */
const faults = {
  missing: `Object.defineProperty(globalThis, name, { configurable: true, writable: true, value: undefined })`,
  throwing: `Object.defineProperty(globalThis, name, { configurable: true, get() { throw new DOMException("The operation is insecure.", "SecurityError"); } })`,
  "throwing when used": `{
    const fails = () => { throw new TypeError("not here"); };
    Object.defineProperty(globalThis, name, { configurable: true, writable: true, value: new Proxy(function () {}, { get: fails, apply: fails, construct: fails, has: fails }) });
  }`,
  foreign: `Object.defineProperty(globalThis, name, { configurable: true, writable: true, value: class Foreign { static now() { return "now"; } static random() { return "dice"; } static resolve() { return 17; } } })`,
};

/** Every global that the package or what wasm-bindgen writes could touch, but for those that no page can take away. */
const names = [
  ...["setTimeout", "clearTimeout", "queueMicrotask", "Date", "performance", "Math", "crypto", "console"],
  ...[
    "addEventListener",
    "removeEventListener",
    "dispatchEvent",
    "localStorage",
    "sessionStorage",
    "BroadcastChannel",
    "Storage",
    "Window",
    "Event",
    "navigator",
  ],
  ...[
    "AbortController",
    "AbortSignal",
    "DOMException",
    "fetch",
    "Request",
    "Response",
    "Headers",
    "URL",
    "URLSearchParams",
  ],
  ...[
    "TextDecoder",
    "TextEncoder",
    "WeakRef",
    "FinalizationRegistry",
    "WebAssembly",
    "Promise",
    "JSON",
    "Reflect",
    "Intl",
    "atob",
    "btoa",
    "structuredClone",
    "self",
    "Buffer",
    "process",
  ],
];

/** Runs in the frame: the whole life of a provider, with the fault from one moment on. Answers with what was wrong. */
const life = async (name, fault, phase, kind, page, licenseId, until) => {
  const wrong = [];
  const { setTimeout, Promise, Error, JSON } = globalThis;
  const answer = { access_token: "a", entity_id: "entity", expires_in: 3600, token_type: "Bearer" };
  const text = JSON.stringify(answer);
  if (kind === "url") {
    const headers = { get: (header) => (header === "content-type" ? "application/json" : null) };
    globalThis.fetch = async () => ({
      ok: true,
      status: 200,
      redirected: false,
      headers,
      text: async () => text,
      json: async () => JSON.parse(text),
    });
  }
  const before = Object.getOwnPropertyDescriptor(globalThis, name);
  const spoil = (moment) => {
    if (moment === phase) new Function("name", fault)(name);
  };
  const restore = () => {
    if (before) Object.defineProperty(globalThis, name, before);
    else delete globalThis[name];
  };
  const settled = (what, promise) =>
    new Promise((resolve) => {
      setTimeout(() => resolve({ what, hangs: true }), until);
      promise.then(
        (value) => resolve({ what, value }),
        (error) => resolve({ what, error }),
      );
    });
  const judge = ({ what, hangs, value, error }, isGood) => {
    if (hangs) wrong.push(`${what} never settles`);
    else if (error && !/^[A-Z_]+$/.test(error?.code ?? ""))
      wrong.push(`${what} rejects with ${error}, which has no code`);
    else if (error?.code === "WASM_TRAPPED") wrong.push(`${what} traps: ${error.cause}`);
    else if (error && !may(error.code)) wrong.push(`${what} rejects with ${error.code}: ${error.message}`);
    else if (!error && !isGood(value)) wrong.push(`${what} resolves with something else`);
  };
  // Without WebAssembly there is no core, without fetch no service can be asked, and without JSON no answer of one is understood.
  const may = (code) =>
    (kind === "url" && name === "JSON" && /^(BAD_ANSWER|COOLING_DOWN)$/.test(code)) ||
    (name === "WebAssembly" && code === "WASM_MISSING") ||
    (kind === "url" && name === "fetch" && code !== "WASM_MISSING");
  const isToken = (value) => value?.accessToken === "a";
  try {
    spoil("import");
    // No sign-out: it would be heard by the tests that follow; tests/packaging/sign_out.test.js tries those.
    const { custom_identity_provider } = await import(page);
    spoil("make");
    const options = {
      licenseId,
      identity: () => "somebody",
      source: kind === "url" ? "https://shop.example/token" : async () => answer,
      onEvent: () => {},
      patience: 0,
    };
    const provider = custom_identity_provider(options);
    spoil("call");
    judge(await settled("hasToken", provider.hasToken()), (value) => value === false);
    judge(await settled("getToken", provider.getToken()), isToken);
    judge(await settled("getToken again", provider.getToken()), isToken);
    judge(await settled("getFreshToken", provider.getFreshToken()), isToken);
    judge(await settled("invalidate", provider.invalidate()), (value) => value === undefined);
    judge(await settled("getToken after invalidate", provider.getToken()), isToken);
    restore();
    // Nothing is poisoned: a cool-down may be left of what could not be had.
    const afterwards = await settled(
      "getToken afterwards",
      custom_identity_provider({ ...options, licenseId: licenseId + 1 }).getToken(),
    );
    if (!isToken(afterwards.value))
      wrong.push(
        `afterwards: ${afterwards.hangs ? "hangs" : `${afterwards.error?.code}: ${afterwards.error?.message}`}`,
      );
  } catch (error) {
    restore();
    wrong.push(`throws ${error?.stack ?? error}`);
  }
  return wrong;
};

/** What was wrong in any of these pages: nothing, it is to be hoped. @param {string} phase from when on @param {"function" | "url"} kind of the source */
export const hostilePages = async (phase, kind) => {
  const found = [];
  let licenseId = 900_000;
  for (const name of names) {
    for (const [kindOfFault, fault] of Object.entries(faults)) {
      const frame = document.createElement("iframe");
      frame.srcdoc = "<!doctype html><title>a hostile page</title>";
      const loaded = new Promise((resolve) => frame.addEventListener("load", resolve, { once: true }));
      document.body.append(frame);
      await loaded;
      licenseId += 2;
      const run = frame.contentWindow.eval(`(${life})`);
      for (const wrong of await run(name, fault, phase, kind, PACKAGE, licenseId, 5_000))
        found.push(`${name} ${kindOfFault} from ${phase} on, ${kind}: ${wrong}`);
      frame.remove();
      for (const key of Object.keys(sessionStorage))
        if (key.startsWith("custom_identity_provider:livechat:9")) sessionStorage.removeItem(key);
    }
  }
  return found.join("\n");
};

/** The same with the language's own prototypes frozen, as some pages do to be safe. */
export const frozenPage = async () => {
  const frame = document.createElement("iframe");
  frame.srcdoc = "<!doctype html><title>a frozen page</title>";
  const loaded = new Promise((resolve) => frame.addEventListener("load", resolve, { once: true }));
  document.body.append(frame);
  await loaded;
  const freeze = `for (const constructor of [Object, Function, Array, Error, TypeError, Promise, Map, Set, String]) Object.freeze(constructor.prototype);`;
  const found = await frame.contentWindow.eval(`(${life})`)(
    "nothing",
    freeze,
    "import",
    "function",
    PACKAGE,
    990_000,
    5_000,
  );
  const failing = await frame.contentWindow.eval(`(async (page) => {
    const { custom_identity_provider } = await import(page);
    const provider = custom_identity_provider({ licenseId: 990_010, identity: null, source: async () => { throw new RangeError("no"); } });
    return provider.getToken().then(() => "resolved", (error) => error.code + " " + error.name + " " + (error instanceof Error));
  })`)(PACKAGE);
  frame.remove();
  if (failing !== "SOURCE_FAILED IdentityError true") found.push(failing);
  return found.join("\n");
};
