// Options as people have them: digits as text, headers in any form, addresses of any kind, prototypes that somebody filled, guests.

import {
  authTokenProvider,
  configure,
  connectOmnichannel,
  custom_identity_provider,
  getAuthToken,
} from "../../pkg/generated/tested.js";
import { replace } from "./fixtures.js";
import { end, expectEqual } from "./page_code.js";

let licenseId = 800_000;
const answer = { access_token: "a", entity_id: "entity", expires_in: 3600, token_type: "Bearer" };
const base = () => ({ licenseId: (licenseId += 1), identity: () => "somebody", cache: "memory", patience: 0 });

/** A service in fetch's place; keeps what it was asked with. */
const service = (status = 200) => {
  const asked = [];
  replace(window, "fetch", {
    writable: true,
    value: async (url, { headers, method, body, credentials }) => {
      asked.push({ url, headers: { ...headers }, method, body, credentials });
      return new Response(JSON.stringify(answer), { status, headers: { "content-type": "application/json" } });
    },
  });
  return asked;
};

const thrown = (make) => {
  try {
    make();
    return "nothing";
  } catch (error) {
    return `${error.code}: ${error.message}`;
  }
};

export const licencesAndOrganizations = async () => {
  const token = async (options) => {
    const { licenseId: license, organizationId } = await custom_identity_provider({
      ...base(),
      source: async () => answer,
      ...options,
    }).getToken();
    return [license, organizationId];
  };
  expectEqual(await token({ licenseId: "12345678" }), [12345678, undefined], "digits as text");
  replace(window, "__lc", { writable: true, value: { license: "87654321" } });
  expectEqual(await token({ licenseId: undefined }), [87654321, undefined], "digits as text in LiveChat's snippet");
  replace(window, "__lc", { writable: true, value: { organizationId: "organization-1" } });
  expectEqual(
    await token({ licenseId: undefined }),
    [undefined, "organization-1"],
    "an organization as LiveChat's packages set it",
  );
  replace(window, "__lc", { writable: true, value: { license: "87654321" } });
  expectEqual(
    await token({ licenseId: undefined, organizationId: "organization-2" }),
    [undefined, "organization-2"],
    "an organization of the page's own beside a snippet",
  );
  replace(window, "__lc", {
    get: () => {
      throw new Error("the page's own");
    },
  });
  expectEqual(
    thrown(() => custom_identity_provider({ ...base(), licenseId: undefined, source: "/token" })).startsWith(
      "BAD_OPTION: the option licenseId",
    ),
    true,
    "a snippet that throws",
  );
};

export const headersInEveryForm = async () => {
  const forms = {
    "a plain object": { "x-csrf": "1", "x-nothing": undefined },
    "a Headers": new Headers({ "x-csrf": "1" }),
    "a Map": new Map([["x-csrf", "1"]]),
    pairs: [["x-csrf", "1"]],
    "a function": () => ({ "x-csrf": "1" }),
    "an async function": async () => new Map([["x-csrf", "1"]]),
  };
  for (const [form, headers] of Object.entries(forms)) {
    const asked = service();
    expectEqual(
      await end(custom_identity_provider({ ...base(), source: { url: "/token", headers } }).getToken()),
      "a",
      form,
    );
    expectEqual(asked[0].headers["x-csrf"], "1", form);
    expectEqual(asked[0].headers["content-type"], "application/json", `${form}: the content type`);
    expectEqual("x-nothing" in asked[0].headers, false, `${form}: an explicit undefined`);
  }
  const asked = service();
  let bearer = 0;
  const provider = custom_identity_provider({
    ...base(),
    source: {
      url: "/token",
      headers: () => ({ authorization: `Bearer ${(bearer += 1)}`, "Content-Type": "text/plain" }),
    },
  });
  await provider.getToken();
  await provider.getFreshToken();
  expectEqual(
    asked.map(({ headers }) => headers.authorization),
    ["Bearer 1", "Bearer 2"],
    "asked anew for every attempt",
  );
  expectEqual(
    [asked[0].headers["Content-Type"], asked[0].headers["content-type"]],
    ["text/plain", undefined],
    "the page's own content type",
  );
  for (const wrong of ["text", 17, [["x"]], [["x", "1", "2"]], ["x-csrf"], new Map([["x", 1]]), true, [1, 2]]) {
    expectEqual(
      thrown(() => custom_identity_provider({ ...base(), source: { url: "/token", headers: wrong } })).startsWith(
        "BAD_OPTION: the option source.headers",
      ),
      true,
      String(wrong),
    );
  }
};

export const headersThatFail = async () => {
  service();
  const failing = (headers) =>
    end(custom_identity_provider({ ...base(), source: { url: "/token", headers } }).getToken());
  expectEqual(
    await failing(() => {
      throw new RangeError("no bearer");
    }),
    "SOURCE_FAILED",
    "a function that throws",
  );
  expectEqual(
    await failing(async () => {
      throw Object.assign(new Error("no bearer"), { status: 401 });
    }),
    "NOT_SIGNED_IN",
    "a function that rejects with a status",
  );
  expectEqual(await failing(() => "text"), "BAD_OPTION", "a function that answers with none");
};

export const hostileOptions = async () => {
  const thrower = () => {
    throw new Error("the page's own");
  };
  const traps = new Proxy({}, { get: () => thrower });
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  for (const make of [custom_identity_provider, authTokenProvider, getAuthToken, connectOmnichannel, configure]) {
    for (const [what, options] of [
      ["a revoked Proxy", proxy],
      ["a Proxy that throws", new Proxy({}, traps)],
      [
        "a getter that throws",
        {
          get source() {
            return thrower();
          },
        },
      ],
      ["a source that is a revoked Proxy", { ...base(), source: proxy }],
      [
        "a source with a getter that throws",
        {
          ...base(),
          source: {
            get url() {
              return thrower();
            },
          },
        },
      ],
    ]) {
      const found = thrown(() => make(make === custom_identity_provider || make === configure ? options : options));
      if (!found.startsWith("BAD_OPTION")) throw new Error(`${make.name}, ${what}: ${found}`);
    }
  }
  expectEqual(
    await end(custom_identity_provider({ ...base(), source: async () => answer }).getToken()),
    "a",
    "afterwards",
  );
  // An explicit undefined is not given, for options of other widgets too.
  const widget = {
    source: () => null,
    signIn: undefined,
    startChat: undefined,
    licenseId: undefined,
    guests: undefined,
  };
  expectEqual(
    thrown(() => getAuthToken(widget)),
    "nothing",
    "explicit undefined",
  );
};

export const prototypesThatAreFull = async () => {
  const asked = service();
  Object.assign(Object.prototype, {
    accountsUrl: "https://evil.example",
    headers: { "x-evil": "1" },
    url: "https://evil.example",
    cache: "none",
    grant: "cookie",
  });
  try {
    expectEqual(
      await end(
        custom_identity_provider({
          ...base(),
          source: { grant: "cookie", clientId: "client", accountsUrl: undefined },
        }).getToken(),
      ),
      "a",
      "the cookie grant",
    );
    expectEqual(
      await end(custom_identity_provider({ ...base(), source: { url: "/token" } }).getToken()),
      "a",
      "a service",
    );
  } finally {
    for (const name of ["accountsUrl", "headers", "url", "cache", "grant"]) delete Object.prototype[name];
  }
  expectEqual(
    asked.map(({ url }) => new URL(url).host),
    ["accounts.livechat.com", location.host],
    "who was asked",
  );
  expectEqual(
    asked.some(({ headers }) => "x-evil" in headers),
    false,
    "what was sent",
  );
};

export const addressesOfEveryKind = async () => {
  const frame = document.createElement("iframe");
  document.body.append(frame);
  const asked = service();
  const there = new frame.contentWindow.URL("https://shop.example/token");
  for (const source of ["/token", new URL("https://shop.example/token"), there, { url: there }]) {
    expectEqual(await end(custom_identity_provider({ ...base(), source }).getToken()), "a", String(source));
  }
  const shop = "https://shop.example/token";
  expectEqual(
    asked.map(({ url }) => url),
    [new URL("/token", document.baseURI).href, shop, shop, shop],
    "who was asked",
  );
  frame.remove();
  for (const wrong of ["", "ftp://shop.example/", "javascript:0", "http://", { href: 17 }]) {
    expectEqual(
      thrown(() => custom_identity_provider({ ...base(), source: wrong })).startsWith("BAD_OPTION: the option source"),
      true,
      String(wrong),
    );
  }
};

export const guestsHaveASourceOfTheirOwn = async () => {
  let person = null;
  const asked = [];
  const source = async ({ identity }) => (asked.push(["source", identity]), { ...answer, access_token: "customer's" });
  const guests = async ({ identity }) => (asked.push(["guests", identity]), { ...answer, access_token: "guest's" });
  const provider = custom_identity_provider({ ...base(), identity: () => person, source, guests });
  expectEqual(await end(provider.getToken()), "guest's", "nobody is signed in");
  person = "ada";
  expectEqual(await end(provider.getToken()), "customer's", "ada is signed in");
  person = null;
  expectEqual(await end(provider.getToken()), "guest's", "nobody again");
  expectEqual(
    asked,
    [
      ["guests", null],
      ["source", "ada"],
      ["guests", null],
    ],
    "who was asked",
  );
  const requests = service();
  const cookie = custom_identity_provider({
    ...base(),
    identity: () => null,
    source: "/token",
    guests: { grant: "cookie", clientId: "client" },
  });
  expectEqual(await end(cookie.getToken()), "a", "LiveChat's cookie grant");
  expectEqual(new URL(requests[0].url).host, "accounts.livechat.com", "who is asked for guests");
  expectEqual(
    thrown(() => custom_identity_provider({ ...base(), source: "/token", guests: 17 })).startsWith(
      "BAD_OPTION: the option guests",
    ),
    true,
    "a wrong source for guests",
  );
  expectEqual(
    thrown(() => getAuthToken({ source: "/token", guests: "/guest" })).startsWith("BAD_OPTION: the option guests"),
    true,
    "other widgets have no guests",
  );
};

/** Who gives guests a source needs no advice to do so. In a copy of its own, for advice is said once. */
export const guestsThatAreRefused = async () => {
  const copy = await import(new URL("../../pkg/generated/tested.js?guests", import.meta.url).href);
  const said = [];
  replace(console, "error", { writable: true, value: (...words) => void said.push(words.join(" ")) });
  const refused = () => Promise.reject(Object.assign(new Error("no"), { status: 401 }));
  const provide = (more) =>
    copy.custom_identity_provider({ ...base(), identity: () => null, source: refused, ...more });
  expectEqual(await end(provide({ guests: refused }).getToken()), "NOT_SIGNED_IN", "with guests");
  expectEqual(said.length, 0, "advice to who has guests");
  expectEqual(await end(provide({}).getFreshToken()), "NOT_SIGNED_IN", "without guests");
  expectEqual(said.length, 1, "advice to who has none");
};

export const mistakesAreSaidOnce = async () => {
  const said = [];
  replace(console, "error", { writable: true, value: (...words) => void said.push(words.join(" ")) });
  const times = (part) => said.filter((text) => text.includes(part)).length;
  for (let round = 0; round < 3; round += 1) {
    thrown(() => custom_identity_provider({ ...base(), source: "/token", patience: "said once" }));
    await end(custom_identity_provider({ ...base(), source: "/token", identity: () => "" }).getToken());
    await end(
      custom_identity_provider({
        ...base(),
        identity: () => null,
        source: () => Promise.reject(Object.assign(new Error("no"), { status: 401 })),
      }).getToken(),
    );
  }
  expectEqual(
    [times("the option patience") <= 1, times("an empty string") <= 1, times("connectLiveChat") <= 1],
    [true, true, true],
    "no more than once",
  );
  // A test before this one may have heard them already: what is said of an option of this test alone is heard here.
  thrown(() => custom_identity_provider({ ...base(), source: "/token", saidOnceInThisTest: 1 }));
  thrown(() => custom_identity_provider({ ...base(), source: "/token", saidOnceInThisTest: 1 }));
  expectEqual(times("saidOnceInThisTest"), 1, "once");
};

/** A lifetime that looks like seconds is said, once; the endpoint's own form, and a long one, are no mistakes. */
export const secondsAreSuspected = async () => {
  // A copy of its own has said nothing yet, whatever the tests before have heard.
  const library = await import(new URL("../../pkg/generated/tested.js?seconds", import.meta.url).href);
  const said = [];
  replace(console, "error", { writable: true, value: (...words) => void said.push(words.join(" ")) });
  const ask = (answer) =>
    end(library.custom_identity_provider({ ...base(), cache: "none", source: () => answer }).getToken());
  const finished = (expiresIn) => ({
    accessToken: "a",
    entityId: "e",
    tokenType: "Bearer",
    creationDate: 1,
    expiresIn,
  });
  await ask(finished(28_800_000));
  await ask({ access_token: "a", entity_id: "e", token_type: "Bearer", expires_in: 36 });
  for (const odd of [Symbol("seconds"), "28800", -5, NaN, { valueOf: () => 5 }]) await ask(finished(odd));
  expectEqual(said, [], "nothing to say");
  for (const round of [1, 2]) expectEqual(await ask(finished(28_800)), "a", `the token is used, ${round}`);
  expectEqual(said.length === 1 && said[0].includes("28800 milliseconds"), true, "once");
};
