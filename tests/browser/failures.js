// What sources fail with, in the forms in which HTTP clients and browsers say it, and what each has to mean.

import { custom_identity_provider, IdentityError } from "../../pkg/generated/tested.js";
import { Tab, replace, sourceError } from "./fixtures.js";

let licenseId = 900_000;

/** How a source's failure ends that is not tried again for want of patience: its code, and whether it would have been. */
const outcome = async (source, library = { custom_identity_provider }) => {
  const provider = library.custom_identity_provider({
    licenseId: (licenseId += 1),
    identity: null,
    cache: "memory",
    patience: 0,
    source,
  });
  const error = await provider.getToken().then(
    () => ({ code: "a token" }),
    (error) => error,
  );
  return {
    code: error.code,
    retryable: error.retryable,
    status: error.status,
    retryAfter: error.retryAfter,
    message: error.message,
  };
};
const thrown = (failure, library) => outcome(() => Promise.reject(failure), library);

/** @param {string} what @param {object} found @param {object} expected the fields that matter */
const expectFields = (what, found, expected) => {
  for (const [name, value] of Object.entries(expected)) {
    if (found[name] !== value)
      throw new Error(`${what}: ${name} is ${found[name]}, expected ${value}, in ${JSON.stringify(found)}`);
  }
};

const NETWORK = { code: "NETWORK", retryable: true };
const TIMED_OUT = { code: "TIMED_OUT", retryable: true };
const FAILED = { code: "SOURCE_FAILED", retryable: false };
const UNCLEAR = { code: "SOURCE_FAILED", retryable: true };
const status = (status) => ({
  status,
  code: { 401: "NOT_SIGNED_IN", 403: "REFUSED", 503: "UNAVAILABLE" }[status],
  retryable: status === 503,
});

/** A TypeError as engines make it when no script is running. */
const bare = (stack, message) => Object.defineProperty(new TypeError(message), "stack", { value: stack });
const error = (message, fields) => Object.assign(new Error(message), fields);
const thrower = () => {
  throw new Error("the page's own");
};
/** Any use of it throws. */
const hostile = new Proxy(function () {}, {
  get: thrower,
  apply: thrower,
  has: thrower,
  ownKeys: thrower,
  getPrototypeOf: thrower,
});
const caught = (run) => {
  try {
    return run();
  } catch (error) {
    return error;
  }
};

/** Failures that are told by what they are named or numbered. */
export const failuresByName = async () => {
  const cases = [
    ["an XMLHttpRequest's event", new ProgressEvent("error"), NETWORK],
    ["an XMLHttpRequest's event of time", new ProgressEvent("timeout"), TIMED_OUT],
    ["an XMLHttpRequest's event of abort", new ProgressEvent("abort"), TIMED_OUT],
    ["an XMLHttpRequest that was never answered", new XMLHttpRequest(), NETWORK],
    ["a script's own error", new ErrorEvent("error", { message: "x is not defined" }), FAILED],
    ["jQuery's", { status: 0, statusText: "error", readyState: 0 }, NETWORK],
    ["jQuery's timeout", { status: 0, statusText: "timeout" }, TIMED_OUT],
    ["jQuery's text", "timeout", TIMED_OUT],
    ["axios's", error("Network Error", { code: "ERR_NETWORK", isAxiosError: true }), NETWORK],
    ["an old axios's", error("Network Error", { isAxiosError: true }), NETWORK],
    ["axios's timeout", error("timeout of 1ms exceeded", { code: "ECONNABORTED" }), TIMED_OUT],
    ["axios's cancel", error("canceled", { name: "CanceledError", code: "ERR_CANCELED" }), TIMED_OUT],
    ["ky's", error("Request failed", { name: "NetworkError" }), NETWORK],
    ["ky's timeout", error("Request timed out", { name: "TimeoutError" }), TIMED_OUT],
    ["a DOMException's", new DOMException("gone", "NetworkError"), NETWORK],
    ["a DOMException's timeout", new DOMException("late", "TimeoutError"), TIMED_OUT],
    ["a DOMException's abort", new DOMException("over", "AbortError"), TIMED_OUT],
    ["another DOMException", new DOMException("no", "SecurityError"), FAILED],
    ["RTK Query's", { status: "FETCH_ERROR", error: "TypeError: Load failed" }, NETWORK],
    [
      "RTK Query's body that broke off",
      { status: "PARSING_ERROR", originalStatus: 200, error: "TypeError: Failed to fetch" },
      NETWORK,
    ],
    ["RTK Query's timeout", { status: "TIMEOUT_ERROR", error: "AbortError: over" }, TIMED_OUT],
    ["RTK Query's other", { status: "CUSTOM_ERROR", error: "no" }, FAILED],
    ["superagent's", error("Request has been terminated", { crossDomain: true }), NETWORK],
    ["Node's", error("read", { code: "ECONNRESET", errno: -104 }), NETWORK],
    [
      "Node's, deep in causes",
      error("no", { cause: error("no", { cause: error("getaddrinfo", { code: "ENOTFOUND" }) }) }),
      NETWORK,
    ],
    ["Node's timeout", error("connect", { code: "ETIMEDOUT" }), TIMED_OUT],
    ["undici's", error("no", { cause: error("other side closed", { code: "UND_ERR_SOCKET" }) }), NETWORK],
    ["undici's timeout", error("no", { code: "UND_ERR_HEADERS_TIMEOUT" }), TIMED_OUT],
    [
      "urql's",
      error("[Network] no", { name: "CombinedError", networkError: new TypeError("Failed to fetch") }),
      NETWORK,
    ],
    ["Angular's", { name: "HttpErrorResponse", status: 0, error: new ProgressEvent("error") }, NETWORK],
    [
      "Angular's timeout",
      { name: "HttpErrorResponse", status: 0, error: new DOMException("late", "TimeoutError") },
      TIMED_OUT,
    ],
    [
      "Angular's parse error",
      { name: "HttpErrorResponse", status: 200, error: { error: new SyntaxError("no"), text: "<html>" } },
      FAILED,
    ],
    [
      "Angular's parse error after a redirect",
      { name: "HttpErrorResponse", status: 200, redirected: true, error: {} },
      { code: "NOT_SIGNED_IN", retryable: false },
    ],
    ["node-fetch's nonsense", error("invalid json", { name: "FetchError", type: "invalid-json" }), FAILED],
    ["a sentence", "the user's network was closed and the request aborted", FAILED],
    ["an error without a reason", new Error("no"), FAILED],
    ["nothing", undefined, FAILED],
    ["null", null, FAILED],
    ["a number", 503, FAILED],
    [
      "an error whose every word is an object that throws",
      {
        name: hostile,
        message: hostile,
        code: hostile,
        type: hostile,
        status: hostile,
        stack: hostile,
        headers: hostile,
        retryAfter: hostile,
        response: { headers: { "retry-after": hostile } },
      },
      FAILED,
    ],
    [
      "an error whose headers are objects that throw",
      {
        status: 503,
        headers: [
          [hostile, hostile],
          ["retry-after", hostile],
        ],
      },
      status(503),
    ],
    [
      "an IdentityError whose words are objects that throw",
      Object.assign(new IdentityError("REFUSED", "no"), { code: hostile, message: hostile }),
      FAILED,
    ],
    ["an object of no prototype", Object.create(null), FAILED],
    [
      "an error in a circle",
      ((circle) => Object.assign(circle, { cause: circle, error: [circle] }))(new Error("no")),
      FAILED,
    ],
    [
      "an error of endless causes",
      {
        get cause() {
          return { cause: this };
        },
      },
      FAILED,
    ],
    ["an own word: it may pass", error("no", { retryable: true }), { code: "SOURCE_FAILED", retryable: true }],
    [
      "an own word: it does not pass",
      error("no", { status: 503, retryable: false }),
      { ...status(503), retryable: false },
    ],
    ["an own word of another kind", error("no", { retryable: "yes" }), FAILED],
    [
      "an IdentityError",
      new IdentityError("REFUSED", "said by the page", { retryable: true, status: 409, retryAfter: 7 }),
      { code: "REFUSED", retryable: true, status: 409, retryAfter: 7, message: "said by the page" },
    ],
    [
      "an IdentityError that does not pass",
      new IdentityError("UNAVAILABLE", "said by the page"),
      { code: "UNAVAILABLE", retryable: false },
    ],
    [
      "a kind of IdentityError",
      new (class extends IdentityError {})("NOT_SIGNED_IN", "said"),
      { code: "NOT_SIGNED_IN", retryable: false },
    ],
  ];
  for (const [what, failure, expected] of cases) expectFields(what, await thrown(failure), expected);
};

/** Statuses, wherever clients keep them, and what is none. */
export const failuresByStatus = async () => {
  for (const number of [401, 403, 503]) {
    const cases = {
      "the error's": error("no", { status: number }),
      "an inherited one": Object.create({ status: number }),
      "a getter's": {
        get status() {
          return number;
        },
      },
      "a text": error("no", { status: String(number) }),
      statusCode: error("no", { statusCode: number }),
      originalStatus: { status: "PARSING_ERROR", originalStatus: number },
      "the response's": error("no", { response: { status: number } }),
      "the response's statusCode": error("no", { response: { statusCode: number } }),
      "a Response's": error("no", { response: new Response(null, { status: number }) }),
      "a Response itself": new Response(null, { status: number }),
      "a cause's response's": error("no", { cause: error("no", { response: { status: number } }) }),
      "urql's": error("no", { networkError: new Error("no"), response: new Response(null, { status: number }) }),
      "Apollo's": error("no", { networkError: error("no", { statusCode: number }) }),
      "an event's target's": { type: "load", target: { status: number } },
      "beside a getter that throws": {
        get name() {
          return thrower();
        },
        get message() {
          return thrower();
        },
        get response() {
          return thrower();
        },
        status: number,
      },
      "beside an application's own": error("no", { status: 7_003, response: { status: number } }),
      "beside a network's words": error("Network Error", { code: "ERR_NETWORK", response: { status: number } }),
    };
    for (const [what, failure] of Object.entries(cases))
      expectFields(`${number}, ${what}`, await thrown(failure), status(number));
  }
  for (const number of [-503, 5.03, 5030, NaN, Infinity, 503n, true, [503], "5e2", "0x1F7", { status: 503 }]) {
    expectFields(`${String(number)} as status`, await thrown({ status: number }), { ...FAILED, status: undefined });
  }
  expectFields("425", await thrown({ status: 425 }), { code: "REFUSED", retryable: false, status: 425 });
  expectFields("304", await thrown({ response: { status: 304 } }), {
    code: "BAD_ANSWER",
    retryable: false,
    status: 304,
  });
  expectFields("302", await thrown({ response: { status: 302 } }), {
    code: "NOT_SIGNED_IN",
    retryable: false,
    status: 302,
  });
};

/** Retry-After, wherever clients keep headers, in seconds or as a date. */
export const retryAfterEverywhere = async () => {
  const holders = {
    Headers: (value) => ({ headers: new Headers({ "Retry-After": value }) }),
    "a plain object": (value) => ({ headers: { "retry-after": value } }),
    "a plain object in other letters": (value) => ({ headers: { "RETRY-After": value } }),
    "a Map": (value) => ({
      headers: new Map([
        ["Content-Type", "text/plain"],
        ["Retry-After", value],
      ]),
    }),
    pairs: (value) => ({ headers: [["Retry-After", value]] }),
    "a get function": (value) => ({
      headers: { get: (name) => (name.toLowerCase() === "retry-after" ? value : null) },
    }),
    "a list of values": (value) => ({ headers: { "retry-after": [value] } }),
    "an XMLHttpRequest": (value) => ({
      getAllResponseHeaders: () => `content-type: text/plain\r\nretry-after: ${value}\r\n`,
    }),
  };
  const places = {
    "the error": (held) => ({ status: 503, ...held }),
    "its response": (held) => error("no", { response: { status: 503, ...held } }),
    "its cause's response": (held) => error("no", { cause: error("no", { response: { status: 503, ...held } }) }),
    "an event's target": (held) => ({ type: "load", target: { status: 503, ...held } }),
  };
  for (const [form, hold] of Object.entries(holders)) {
    for (const [place, keep] of Object.entries(places)) {
      expectFields(`${form} of ${place}`, await thrown(keep(hold("7"))), { code: "UNAVAILABLE", retryAfter: 7_000 });
    }
  }
  const date = (seconds) => new Date(Date.now() + seconds * 1_000).toUTCString();
  const values = [
    ["0", 0],
    [" 12 ", 12_000],
    ["-5", undefined],
    ["-1 second", undefined],
    ["NaN", undefined],
    ["", undefined],
    ["1e3", undefined],
    ["soon", undefined],
    ["2030", 2_030_000],
  ];
  for (const [value, expected] of values) {
    expectFields(`"${value}"`, await thrown({ status: 503, headers: { "retry-after": value } }), {
      retryAfter: expected,
    });
  }
  const { retryAfter } = await thrown({ status: 503, headers: { "retry-after": date(60) } });
  if (!(retryAfter > 50_000 && retryAfter <= 60_000)) throw new Error(`a date: ${retryAfter}`);
  expectFields("a date that is over", await thrown({ status: 503, headers: { "retry-after": date(-60) } }), {
    retryAfter: 0,
  });
  for (const [value, expected] of [
    [0, 0],
    [1_500, 1_500],
    [-1, undefined],
    [NaN, undefined],
    [Infinity, undefined],
    ["1500", undefined],
  ]) {
    expectFields(`retryAfter ${value}`, await thrown({ status: 503, retryAfter: value }), { retryAfter: expected });
  }
  expectFields(
    "headers that throw",
    await thrown({
      status: 503,
      get headers() {
        return thrower();
      },
    }),
    { code: "UNAVAILABLE", retryAfter: undefined },
  );
};

/** What tells a failing network's TypeError from a mistake in a program, in this engine and in the others' words. */
export const typeErrors = async () => {
  const frame = document.createElement("iframe");
  document.body.append(frame);
  const other = frame.contentWindow;
  try {
    const cases = [
      ["Chromium's words", new TypeError("Failed to fetch"), NETWORK],
      ["Chromium's words with a host", new TypeError("Failed to fetch (shop.example)"), NETWORK],
      ["Firefox's words", new TypeError("NetworkError when attempting to fetch resource."), NETWORK],
      ["WebKit's words", new TypeError("Load failed"), NETWORK],
      ["the polyfill's words", new TypeError("Network request failed"), NETWORK],
      [
        "Firefox's other words, made by no script",
        bare("", "Content-Length header of network response exceeds response Body."),
        NETWORK,
      ],
      ["WebKit's words in another language, made by no script", bare(undefined, "Le chargement a échoué"), NETWORK],
      ["another frame's", new other.TypeError("Failed to fetch"), NETWORK],
      ["a mistake", caught(() => undefined.id), FAILED],
      ["a mistaken call", caught(() => ({}).fetchToken()), FAILED],
      ["another frame's mistake", caught(() => other.eval("undefined.id")), FAILED],
      ["another frame's missing name", caught(() => other.eval("fetchToken()")), FAILED],
      ["a missing name", caught(() => fetchToken()), FAILED],
      [
        "an endless call",
        caught(function call() {
          return call() + 1;
        }),
        FAILED,
      ],
      ["a wrong header", await fetch("/", { headers: { "a b": "c" } }).catch((error) => error), FAILED],
      [
        "a wrong header in another frame",
        await other.fetch("/", { headers: { "a b": "c" } }).catch((error) => error),
        FAILED,
      ],
      ["a wrong address", await fetch("http://[").catch((error) => error), FAILED],
      ["a body read twice", await twice(), FAILED],
      ["words that nobody knows", new TypeError("tant pis"), UNCLEAR],
    ];
    for (const [what, failure, expected] of cases) expectFields(what, await thrown(failure), expected);
  } finally {
    frame.remove();
  }
};
const twice = async () => {
  const response = new Response("{}");
  await response.text();
  return response.text().catch((error) => error);
};

/** A port that no browser connects to, and one where nobody listens: what fails there is the network, by whatever means it is tried. */
export const realNetworkErrors = async () => {
  const frame = document.createElement("iframe");
  document.body.append(frame);
  const byXMLHttpRequest = (address) =>
    new Promise((resolve, reject) => {
      const xhr = new XMLHttpRequest();
      xhr.open("POST", address);
      xhr.onload = resolve;
      xhr.onerror = reject;
      xhr.send();
    });
  const byScript = (address) =>
    new Promise((resolve, reject) => {
      const script = Object.assign(document.createElement("script"), {
        src: address,
        onload: resolve,
        onerror: reject,
      });
      frame.contentDocument.body.append(script);
    });
  try {
    for (const address of ["http://127.0.0.1:9/", "http://127.0.0.1:1/", "http://nobody.invalid/"]) {
      const means = {
        fetch: () => fetch(address),
        "fetch, later": async () => {
          await null;
          return fetch(address, { method: "POST" });
        },
        "another frame's fetch": () => frame.contentWindow.fetch(address),
        XMLHttpRequest: () => byXMLHttpRequest(address),
        "a script": () => byScript(address),
      };
      for (const [what, ask] of Object.entries(means))
        expectFields(`${what} of ${address}`, await outcome(ask), NETWORK);
    }
  } finally {
    frame.remove();
  }
};

/** A client that gives up waiting by a signal of its own; what the core aborted is nobody's failure. */
export const realAborts = async () => {
  const silent = (signal) =>
    new Promise((_, reject) =>
      signal.addEventListener("abort", () => reject(signal.reason ?? new DOMException("over", "AbortError"))),
    );
  expectFields(
    "its own abort",
    await outcome(() => {
      const controller = new AbortController();
      const end = silent(controller.signal);
      controller.abort();
      return end;
    }),
    TIMED_OUT,
  );
  expectFields(
    "its own abort of a fetch",
    await outcome(() => {
      const controller = new AbortController();
      const end = fetch("/", { signal: controller.signal });
      controller.abort();
      return end;
    }),
    TIMED_OUT,
  );
};

/** Offline, what fails for no known reason fails for that one. */
export const offline = async () => {
  replace(navigator, "onLine", { get: () => false });
  expectFields("an error without a reason", await thrown(new Error("no")), NETWORK);
  expectFields("a mistake", await thrown(caught(() => undefined.id)), FAILED);
  expectFields("a refusal", await thrown({ status: 403 }), status(403));
};

/** A mistake of the page's is said once, and nothing in it that could be a secret. */
export const mistakesAreSaid = async () => {
  // Another page has said nothing yet, whatever the tests before have heard in this one.
  const tab = new Tab();
  await tab.load();
  const library = tab.window.loaded;
  const said = [];
  replace(tab.window.console, "error", { writable: true, value: (...words) => said.push(words.join(" ")) });
  const secret = "Zq7-secret";
  for (const _ of [1, 2]) {
    await thrown(
      caught(() => fetchTheToken()),
      library,
    );
    await thrown(new TypeError(`${secret} is not welcome`), library);
    await thrown(new Error(secret), library);
    await thrown({ status: 401 }, library);
    await thrown(new TypeError("Failed to fetch"), library);
    await thrown(new IdentityError("SOURCE_FAILED", "said by the page"), library);
  }
  if (said.some((text) => text.includes(secret))) throw new Error("the secret is said");
  const [advice, ...others] = said.filter((text) => text.includes("connectLiveChat"));
  const ours = said.filter((text) => text.startsWith("custom-identity-provider") && text !== advice);
  if (!advice || others.length) throw new Error(`advised: ${JSON.stringify(said)}`);
  if (ours.length !== 2 || !ours[0].includes("ReferenceError: ") || !ours[1].includes("TypeError: see cause"))
    throw new Error(JSON.stringify(ours));
};

/** A function source that answers with a Response, whose parsed JSON is wanted. */
export const responses = async () => {
  const frame = document.createElement("iframe");
  document.body.append(frame);
  try {
    const polyfilled = { status: 200, ok: true, headers: new Map(), json: async () => ({}), text: async () => "{}" };
    for (const response of [new Response("{}"), new frame.contentWindow.Response("{}"), polyfilled]) {
      const { code, message } = await outcome(async () => response);
      if (code !== "BAD_ANSWER" || !message.includes("a Response and not its parsed JSON"))
        throw new Error(`${code}: ${message}`);
    }
    const theirs = await outcome(() => frame.contentWindow.Promise.reject(sourceError({ status: 401 })));
    expectFields("another frame's promise", theirs, status(401));
  } finally {
    frame.remove();
  }
};
