// The page's own service and LiveChat's accounts, asked for real: what goes over the network, and what each answer means.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { launch } from "./support/chromium.js";
import { failingService } from "./support/failing_service.js";
import { project } from "./support/installed_package.js";

let installed, browser, own, foreign, closed;
before(async () => {
  installed = project();
  browser = await launch();
  const page = ["text/html", '<!doctype html><title>Shop</title><link rel="icon" href="data:,"><body>'];
  own = await failingService({
    files: {
      "/shop": page,
      "/index.js": ["text/javascript", readFileSync(join(installed.package, "dist/inline.js"), "utf8")],
    },
  });
  // Of another origin but the same site, so that cookies could go there.
  foreign = await failingService({ allowed: own.url });
  closed = await failingService();
});
after(async () => {
  await browser?.close();
  for (const service of [own, foreign, closed]) await service?.close();
  installed?.remove();
});

/**
 * Runs in a page of the shop that has a cookie; answers with what it returns, and what the console was told of us.
 * @param {Function} work
 * @param {object} [given]
 * @param {{prepare?: () => void}} [settings] what happens to the page before anything of it runs
 */
const run = async (work, given = {}, { prepare } = {}) => {
  for (const service of [own, foreign, closed]) service.forget();
  const { page, close } = await browser.page();
  try {
    const said = [];
    page.on("console", (message) => message.text().startsWith("custom-identity-provider") && said.push(message.text()));
    if (prepare) await page.addInitScript(prepare);
    await page.goto(`${own.url}/shop?q=1#part`);
    const answer = await page.evaluate(`(async () => {
      document.cookie = "session=of-a-test";
      const library = await import("/index.js");
      const code = (error) => error instanceof library.IdentityError ? error.code + ": " + error.message : "no IdentityError: " + error;
      const retried = [];
      const onEvent = (event) => event.type === "request_retrying" && retried.push(event.code);
      const options = { licenseId: 12345678, identity: null, cache: "memory", onEvent };
      const ask = (source, more) => library.custom_identity_provider({ ...options, source, ...more }).getToken().then((token) => token.entityId, code);
      return (${work})({ ...library, options, ask, code, retried, own: "${own.url}", foreign: "${foreign.url}", closed: "${closed.url}", ...${JSON.stringify(given)} });
    })()`);
    return { answer, said };
  } finally {
    await close();
  }
};

/** The requests but for those of the page itself. */
const requests = (service) =>
  service.requests.filter(
    ({ path, method }) => method !== "OPTIONS" && !["/shop", "/index.js", "/favicon.ico"].includes(path),
  );

test("a service is asked for JSON, by POST, with the cookies of the page's own origin alone, and only a fresh token passes by caches", async () => {
  const { answer } = await run(async ({ custom_identity_provider, options, foreign }) => {
    const provider = custom_identity_provider({ ...options, source: "/token" });
    await provider.getToken();
    await provider.getFreshToken();
    await custom_identity_provider({ ...options, licenseId: 2, source: `${foreign}/token` }).getToken();
    return true;
  });
  assert.equal(answer, true);
  const [first, fresh] = requests(own);
  const [other] = requests(foreign);
  for (const { method, headers } of [first, fresh, other])
    assert.deepEqual([method, headers.accept], ["POST", "application/json"]);
  assert.equal(first.headers.cookie, "session=of-a-test");
  assert.equal(other.headers.cookie, undefined, "unless the page says so");
  assert.equal(first.headers["cache-control"], undefined, "a service that keeps tokens may answer with one");
  assert.match(fresh.headers["cache-control"], /no-cache/);
});

test("credentials and headers of the page's are kept, its Accept too in whatever letter case", async () => {
  await run(({ ask, foreign }) =>
    ask({
      url: `${foreign}/token`,
      credentials: "include",
      headers: { ACCEPT: "application/vnd.shop+json", "X-Requested-With": "shop" },
    }),
  );
  const [{ headers }] = requests(foreign);
  assert.deepEqual(
    [headers.accept, headers["x-requested-with"], headers.cookie],
    ["application/vnd.shop+json", "shop", "session=of-a-test"],
  );
});

test("who wants a JWT is asked for as JSON or as text", async () => {
  await run(({ getAuthToken, options }) => getAuthToken({ ...options, licenseId: undefined, source: "/null" })());
  assert.equal(requests(own)[0].headers.accept, "application/json, application/jwt, text/plain");
});

const isNobody = /^NOT_SIGNED_IN: /;
for (const [path, expected, retried] of [
  ["/redirect?to=/page", isNobody],
  ["/redirect?to=/sign-in", isNobody],
  ["/sign-in", isNobody],
  ["/page", /^BAD_ANSWER: the source's answer is HTML, expected JSON$/],
  ["/nonsense", /^BAD_ANSWER: the source's answer is no JSON, expected JSON$/],
  ["/redirect?to=/nonsense", /^BAD_ANSWER: /],
  ["/redirect?to=/token", /^entity$/],
  ["/nothing", /^BAD_ANSWER: the source's answer is empty, expected JSON with access_token or accessToken$/],
  ["/empty", /^BAD_ANSWER: the source's answer is empty, expected JSON with access_token or accessToken$/],
  ["/null", /^BAD_ANSWER: the source's answer is null, expected an object with access_token or accessToken$/],
  ["/null-token", /^BAD_ANSWER: the answer's access_token is missing/],
  ["/not-modified", /^BAD_ANSWER: the source's answer is not modified \(HTTP 304\)/],
  ["/unauthorized", isNobody],
  ["/half", /^entity$/, ["NETWORK"]],
  ["/cut", /^entity$/, ["NETWORK"]],
  ["/busy", /^entity$/, ["UNAVAILABLE"]],
]) {
  test(`rule_13_a_service_s_answer_is_understood: ${path}`, async () => {
    const { answer } = await run(async ({ ask, path, retried }) => ({ outcome: await ask(path), retried }), { path });
    assert.match(answer.outcome, expected);
    assert.deepEqual(answer.retried, retried ?? []);
  });
}

for (const path of [
  "/nothing",
  "/empty",
  "/empty-text",
  "/null",
  "/empty-string",
  "/null-token",
  "/empty-token",
  "/sign-in",
  "/redirect?to=/page",
  "/unauthorized",
]) {
  test(`rule_27_a_token_endpoint_that_knows_nobody_says_so_to_who_wants_a_jwt: ${path}`, async () => {
    const { answer } = await run(
      async ({ authTokenProvider, getAuthToken, options, path }) => {
        const told = [];
        const jwt = {
          ...options,
          licenseId: undefined,
          source: path,
          onEvent: ({ type, code }) => type === "request_failed" && told.push(code),
        };
        const token = await getAuthToken(jwt)();
        const called = await new Promise((resolve) =>
          authTokenProvider({ ...jwt, organizationId: "another" })(resolve),
        );
        return { token, called, told };
      },
      { path },
    );
    assert.deepEqual(answer, { token: null, called: null, told: ["NOT_SIGNED_IN", "NOT_SIGNED_IN"] });
  });
}

test("a redirect to where people of another origin sign in says that nobody is signed in, once fetch can't have been offline", async () => {
  const { answer } = await run(async ({ ask, retried, closed }) => ({
    outcome: await ask(`/redirect?to=${closed}/sign-in`),
    retried,
  }));
  assert.match(answer.outcome, isNobody);
  assert.deepEqual(answer.retried, ["NETWORK"]);
});

test("a redirect that can be followed is followed, also after a failure of the network", async () => {
  const { answer } = await run(async ({ ask, retried }) => ({ outcome: await ask("/moved?to=/token"), retried }));
  assert.deepEqual(answer, { outcome: "entity", retried: ["NETWORK"] });
});

for (const headers of [{ "a b": "c" }, { "X-Fine": "1", "X-Wrong": "b\nc" }, { "X-Wrong-Too": "\u20AC" }]) {
  const name = Object.keys(headers).at(-1);
  test(`a header that HTTP does not allow is the page's mistake, named and said once: ${name}`, async () => {
    const { answer, said } = await run(
      async ({ ask, retried, headers }) => ({
        outcomes: [await ask({ url: "/token", headers }), await ask({ url: "/token", headers }, { licenseId: 2 })],
        retried,
      }),
      { headers },
    );
    const expected = `the option source.headers.${name} is wrong: expected a name and a value that HTTP allows`;
    assert.deepEqual(answer, { outcomes: [`BAD_OPTION: ${expected}`, `BAD_OPTION: ${expected}`], retried: [] });
    assert.deepEqual(said, [`custom-identity-provider: ${expected}`]);
    assert.deepEqual(requests(own), []);
  });
}

for (const [name, prepare, expected] of [
  [
    "without fetch",
    () => {
      delete globalThis.fetch;
    },
    /^NETWORK: this page has no fetch: give a function as source$/,
  ],
  [
    "with a fetch that throws",
    () => {
      globalThis.fetch = () => {
        throw new Error("blocked");
      };
    },
    /^NETWORK: the service could not be reached$/,
  ],
  [
    "without Request, Response, Headers and AbortController",
    () => {
      for (const name of ["Request", "Response", "Headers", "AbortController"]) delete globalThis[name];
    },
    /^entity$/,
  ],
  [
    "with a Request that throws",
    () => {
      globalThis.Request = class {
        constructor() {
          throw new Error("blocked");
        }
      };
    },
    /^entity$/,
  ],
  [
    "with an AbortController of its own",
    () => {
      globalThis.AbortController = class {
        signal = { aborted: false, addEventListener() {}, removeEventListener() {} };
        abort() {
          this.signal.aborted = true;
        }
      };
    },
    /^entity$/,
  ],
  [
    "without AbortController",
    () => {
      delete globalThis.AbortController;
    },
    /^entity$/,
  ],
]) {
  test(`rule_24_a_page_${name.replaceAll(" ", "_")}_is_served_or_told`, async () => {
    const { answer } = await run(({ ask }) => ask("/token", { patience: 0 }), {}, { prepare });
    assert.match(answer, expected);
  });
}

test("the cookie grant goes to the accounts with their cookies and the page's address", async () => {
  const { answer } = await run(({ ask, foreign }) =>
    ask({ grant: "cookie", clientId: "client", accountsUrl: `${foreign}/accounts` }),
  );
  assert.equal(answer, "entity");
  const [{ headers, body, method }] = requests(foreign);
  assert.deepEqual([method, headers.cookie, foreign.requests.length], ["POST", "session=of-a-test", 1], "no preflight");
  assert.deepEqual(JSON.parse(body), {
    grant_type: "cookie",
    client_id: "client",
    response_type: "token",
    license_id: 12345678,
    redirect_uri: `${own.url}/shop`,
  });
});

test("a frame without an address of its own has that of the page around it", async () => {
  const { answer } = await run(async ({ foreign }) => {
    const frame = document.createElement("iframe");
    frame.srcdoc = `<script type="module">
      const { custom_identity_provider } = await import("${location.origin}/index.js");
      const source = { grant: "cookie", clientId: "client", accountsUrl: "${foreign}/accounts" };
      parent.postMessage((await custom_identity_provider({ licenseId: 12345678, identity: null, cache: "memory", source }).getToken()).entityId);
    </${"script"}>`;
    const told = new Promise((resolve) => addEventListener("message", ({ data }) => resolve(data), { once: true }));
    document.body.append(frame);
    return told;
  });
  assert.equal(answer, "entity");
  assert.equal(JSON.parse(requests(foreign)[0].body).redirect_uri, `${own.url}/shop`);
});

test("the identity_token grant takes cookies to the page's own service, and none to the accounts, with a proof key that fits", async () => {
  const { answer } = await run(({ ask, foreign }) =>
    ask({ grant: "identity_token", clientId: "client", transferUrl: "/transfer", accountsUrl: `${foreign}/accounts` }),
  );
  assert.equal(answer, "entity");
  const [transfer] = requests(own);
  const [exchange] = requests(foreign);
  assert.deepEqual(
    [transfer.method, transfer.headers["content-type"], transfer.headers.cookie],
    ["POST", "application/json", "session=of-a-test"],
  );
  assert.equal(exchange.headers.cookie, undefined);
  const { code, code_verifier } = JSON.parse(exchange.body);
  assert.equal(code, "a-code");
  assert.match(code_verifier, /^[\w-]{43}$/);
  assert.deepEqual(JSON.parse(transfer.body), {
    code_challenge: createHash("sha256").update(code_verifier).digest("base64url"),
  });
});

test("the identity_token grant outside of HTTPS says what it needs, and blames no function", async () => {
  const { page, close } = await browser.page();
  try {
    const script = readFileSync(join(installed.package, "dist/inline.js"), "utf8");
    await page.route("http://shop.test/**", (route) =>
      route.fulfill(
        route.request().url().endsWith(".js")
          ? { contentType: "text/javascript", body: script }
          : { contentType: "text/html", body: "<!doctype html><title>Shop</title>" },
      ),
    );
    await page.goto("http://shop.test/");
    const failure = await page.evaluate(async () => {
      const { custom_identity_provider } = await import("/index.js");
      const source = { grant: "identity_token", clientId: "client", transferUrl: "/transfer" };
      const { code, message, retryable } = await custom_identity_provider({
        licenseId: 1,
        identity: null,
        cache: "memory",
        source,
      })
        .getToken()
        .catch((error) => error);
      return { isSecureContext, code, message, retryable };
    });
    assert.deepEqual(failure, {
      isSecureContext: false,
      code: "BAD_OPTION",
      retryable: false,
      message:
        'the option source.grant is wrong: expected a page over HTTPS or on localhost for "identity_token": elsewhere a browser makes no proof key',
    });
  } finally {
    await close();
  }
});

test("LiveChat's exceptions are named, and nothing else of what stands in their place", async () => {
  const { answer } = await run(async ({ ask, foreign }) => [
    await ask({ grant: "cookie", clientId: "client", accountsUrl: `${foreign}/exception` }),
    await ask({ grant: "cookie", clientId: "client", accountsUrl: `${foreign}/secret` }, { licenseId: 2 }),
  ]);
  assert.deepEqual(answer, [
    "SSO_IDENTITY_EXCEPTION: identity_lost",
    "NOT_SIGNED_IN: the service knows nobody who is signed in (HTTP 401)",
  ]);
});

test("a proof key for a code leaves the page's content type and its other fields alone", async () => {
  const challenge = "a".repeat(43);
  await run(
    async ({ authoriseChatWithCallback, challenge }) => {
      const source = { url: "/null", headers: { "Content-Type": "application/vnd.shop+json" }, body: '{"shop":1}' };
      for (const given of [source, "/null"]) {
        const authorise = authoriseChatWithCallback({
          flow: "code",
          source: given,
          organizationId: JSON.stringify(given),
        });
        await new Promise((resolve) => authorise(resolve, challenge));
      }
    },
    { challenge },
  );
  const sent = requests(own).map(({ headers, body }) => [headers["content-type"], JSON.parse(body)]);
  assert.deepEqual(sent, [
    ["application/vnd.shop+json", { shop: 1, code_challenge: challenge }],
    ["application/json", { code_challenge: challenge }],
  ]);
});
