// The package outside of a page: imported by a server that renders pages, used by one, and left out by bundlers where it is not used.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { nodeResolve } from "@rollup/plugin-node-resolve";
import * as esbuild from "esbuild";
import { rollup } from "rollup";
import { project } from "./support/installed_package.js";

let installed;
before(() => {
  installed = project();
});
after(() => installed?.remove());

/** Runs a program in the project with plain Node; answers with what it printed as JSON. */
const node = (program) => {
  installed.write("program.js", program);
  const { status, signal, stdout, stderr } = spawnSync("node", ["--trace-warnings", "program.js"], {
    cwd: installed.folder,
    encoding: "utf8",
    timeout: 20_000,
  });
  assert.deepEqual({ status, signal, stderr }, { status: 0, signal: null, stderr: "" });
  return JSON.parse(stdout);
};

for (const entry of ["custom-identity-provider", "custom-identity-provider/slim"]) {
  test(`importing ${entry} on a server changes no global, compiles nothing, warns of nothing and lets the process end`, () => {
    assert.deepEqual(
      node(`
      const before = Reflect.ownKeys(globalThis);
      let compiled = 0;
      for (const name of ["Module", "Instance"]) {
        WebAssembly[name] = new Proxy(WebAssembly[name], { construct: (...call) => { compiled += 1; return Reflect.construct(...call); } });
      }
      const exports = Object.keys(await import("${entry}")).sort();
      const added = Reflect.ownKeys(globalThis).filter((key) => !before.includes(key)).map(String);
      console.log(JSON.stringify({ exports, added, compiled }));
    `),
      {
        exports: [
          ...[
            "IdentityError",
            "authTokenProvider",
            "authoriseChatWithCallback",
            "configure",
            "connectLiveChat",
            "connectOmnichannel",
            "custom_identity_provider",
            "getAuthToken",
          ],
          ...(entry.endsWith("slim") ? ["init"] : []),
          ...["livePersonIdentity", "sign_out"],
        ],
        added: [],
        compiled: 0,
      },
    );
  });
}

test("slim's init says in a coded error that URL, fetch or WebAssembly is missing, and may have more luck later", () => {
  assert.deepEqual(
    node(`
    import { readFileSync } from "node:fs";
    import { init } from "custom-identity-provider/slim";
    const bytes = readFileSync("node_modules/custom-identity-provider/dist/custom_identity_provider.wasm");
    const codes = [];
    for (const name of ["URL", "fetch", "WebAssembly"]) {
      const before = globalThis[name];
      globalThis[name] = undefined;
      codes.push(await init(name === "WebAssembly" ? bytes : undefined).then(() => "started", (error) => error.code));
      globalThis[name] = before;
    }
    codes.push(await init(bytes).then(() => "started"));
    console.log(JSON.stringify(codes));
  `),
    ["WASM_MISSING", "WASM_MISSING", "WASM_MISSING", "started"],
  );
});

test("required as a CommonJS module it is the same, and shares its requests with the imported one", () => {
  assert.deepEqual(
    node(`
    import { createRequire } from "node:module";
    import * as imported from "custom-identity-provider";
    const required = createRequire(import.meta.url)("custom-identity-provider");
    let asked = 0;
    const options = {
      organizationId: "organization", cache: "memory",
      source: async () => ({ access_token: "made-" + ++asked, entity_id: "entity", expires_in: 28800, token_type: "Bearer" }),
    };
    await Promise.all([imported, required].map((library) => library.custom_identity_provider(options).getToken()));
    const error = new required.IdentityError("NETWORK", "unreachable");
    const names = (library) => Object.keys(library).filter((name) => name !== "__esModule").sort();
    console.log(JSON.stringify({ same: names(required).join() === names(imported).join(), two: required.sign_out !== imported.sign_out, asked, ours: error instanceof imported.IdentityError }));
  `),
    { same: true, two: true, asked: 1, ours: true },
  );
});

test("in Node, with the memory cache, it fetches one token and then answers from memory", () => {
  assert.deepEqual(
    node(`
    import { custom_identity_provider } from "custom-identity-provider";
    let asked = 0;
    const provider = custom_identity_provider({
      organizationId: "organization", cache: "memory",
      source: async () => ({ access_token: "made-" + ++asked, entity_id: "entity", expires_in: 28800, token_type: "Bearer" }),
    });
    const tokens = await Promise.all([provider.getToken(), provider.getToken()]);
    tokens.push(await provider.getToken());
    const had = await provider.hasToken();
    await provider.invalidate();
    console.log(JSON.stringify({ tokens: tokens.map((token) => token.accessToken), had, has: await provider.hasToken(), asked }));
  `),
    { tokens: ["made-1", "made-1", "made-1"], had: true, has: false, asked: 1 },
  );
});

test("in Node, options are read as in a page: a wrong one throws at once and is named", () => {
  assert.deepEqual(
    node(`
    import { IdentityError, custom_identity_provider } from "custom-identity-provider";
    const said = [];
    console.error = (text) => said.push(text);
    try {
      custom_identity_provider({ organizationId: "organization", cache: "memory", source: 7 });
    } catch (error) {
      console.log(JSON.stringify({ ours: error instanceof IdentityError, code: error.code, named: error.message.includes("source"), said: said.length === 1 && said[0].includes("source") }));
    }
  `),
    { ours: true, code: "BAD_OPTION", named: true, said: true },
  );
});

test("every function may stand in a module that a server runs, with relative URLs, and asks nobody", () => {
  const options = `identity: () => "customer"`;
  const sources = [
    `"/token"`,
    `"token"`,
    `"../token?for=chat"`,
    `{ url: "./token", headers: async () => ({}) }`,
    `{ grant: "cookie", clientId: "client" }`,
    `{ grant: "identity_token", clientId: "client", transferUrl: "/livechat/transfer" }`,
  ];
  assert.deepEqual(
    node(`
    import * as library from "custom-identity-provider";
    globalThis.fetch = () => { throw new Error("asked"); };
    console.error = (text) => { throw new Error(text); };
    const made = [];
    for (const source of [${sources}]) {
      library.configure({ source });
      made.push(library.custom_identity_provider({ ${options}, source }), library.connectLiveChat({ ${options}, source }));
      made.push(library.custom_identity_provider({ ${options}, source: "/token", guests: source }));
      if (source.grant) continue;
      for (const name of ["connectOmnichannel", "authTokenProvider", "getAuthToken", "authoriseChatWithCallback", "livePersonIdentity"]) {
        made.push(library[name]({ identity: () => "customer", source }));
      }
    }
    console.log(JSON.stringify(made.length));
  `),
    sources.length * 3 + 4 * 5,
  );
});

test("on a server the account that LiveChat's snippet will name is missed by who asks for a token, and by nobody before", () => {
  assert.deepEqual(
    node(`
    import { configure, custom_identity_provider } from "custom-identity-provider";
    const said = [];
    console.error = (text) => said.push(text);
    configure({ identity: () => "customer", source: "/livechat/token" });
    const provider = custom_identity_provider();
    const before = said.length;
    const asked = await Promise.all(["getToken", "getFreshToken", "hasToken", "invalidate"].map((method) =>
      provider[method]().then(() => "answered", ({ code, message }) => code + message.includes("licenseId"))));
    console.log(JSON.stringify({ before, asked, said: said.length }));
  `),
    { before: 0, asked: Array(4).fill("BAD_OPTIONtrue"), said: 1 },
  );
});

for (const [connect, options] of Object.entries({
  connectOmnichannel: "{ startChat: true }",
  connectLiveChat: "{ identity, licenseId: 12345678, restart: false }",
}))
  test(`on a server ${connect} does nothing, and gives a function that does nothing either`, () => {
    assert.deepEqual(
      node(`
      import { ${connect} } from "custom-identity-provider";
      let asked = 0;
      const identity = () => { asked += 1; return "customer"; };
      const before = Reflect.ownKeys(globalThis);
      const disconnect = ${connect}({ ...${options}, source: () => { asked += 1; return null; }, onSignOut: () => { asked += 1; } });
      const kind = typeof disconnect;
      disconnect();
      disconnect();
      console.log(JSON.stringify({ kind, asked, added: Object.getOwnPropertyNames(globalThis).filter((key) => !before.includes(key)) }));
    `),
      { kind: "function", asked: 0, added: [] },
    );
  });

test("in Node, livePersonIdentity answers by the same request as authoriseChatWithCallback, and lets the process end", () => {
  assert.deepEqual(
    node(`
    import { authoriseChatWithCallback, livePersonIdentity } from "custom-identity-provider";
    let asked = 0;
    const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const now = Math.floor(Date.now() / 1000);
    const source = async () => [{ alg: "RS256" }, { iss: "site", sub: "customer", iat: now, exp: now + 300 }, ++asked].map(part).join(".");
    const options = { source, identity: () => "customer", onSignOut: () => {} };
    const [visitor] = await Promise.all([new Promise(livePersonIdentity(options)), new Promise(authoriseChatWithCallback(options))]);
    console.log(JSON.stringify({ visitor, asked }));
  `),
    { visitor: { iss: "site", acr: "loa1", sub: "customer" }, asked: 1 },
  );
});

test("in Node, getAuthToken and the callbacks answer: one request for both of Omnichannel's, another for Live Assist", () => {
  assert.deepEqual(
    node(`
    import { authTokenProvider, authoriseChatWithCallback, getAuthToken } from "custom-identity-provider";
    let asked = 0;
    const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const now = Math.floor(Date.now() / 1000);
    const source = async () => [{ alg: "RS256" }, { sub: "customer", iat: now, exp: now + 300 }, ++asked].map(part).join(".");
    const [promised, called, authorised] = await Promise.all([
      getAuthToken({ source })(),
      new Promise(authTokenProvider({ source })),
      new Promise(authoriseChatWithCallback({ source })),
    ]);
    console.log(JSON.stringify({ shared: promised === called, foreign: promised === authorised, asked }));
  `),
    { shared: true, foreign: false, asked: 2 },
  );
});

/** How the inlined core begins: the magic number of WebAssembly, however a bundler writes what is no letter. */
const core = /asm(\x01|\\x01|\\u0001|\\1)/;

/** Words that stand in one widget's JavaScript and nowhere else. */
const marks = { connect: "lcw:ready", assist: "Please sign in to start a chat.", widget: "__lc_inited", tag: "lpTag" };
/** Which of them belong to an application that only uses this function. */
const widgets = {
  custom_identity_provider: [],
  getAuthToken: [],
  authTokenProvider: [],
  connectOmnichannel: ["connect"],
  connectLiveChat: ["widget"],
  authoriseChatWithCallback: ["assist", "tag"],
  livePersonIdentity: ["tag"],
};

/** What a bundler makes of an application. */
const bundles = {
  async esbuild(input) {
    const { outputFiles } = await esbuild.build({
      entryPoints: [input],
      bundle: true,
      minify: true,
      format: "esm",
      write: false,
      logLevel: "error",
    });
    return outputFiles[0].text;
  },
  async rollup(input) {
    const bundle = await rollup({ input, plugins: [nodeResolve()] });
    const { output } = await bundle.generate({ format: "es" });
    return output[0].code;
  },
};
for (const [name, bundle] of Object.entries(bundles)) {
  test(`${name} leaves the core out of an application that only imports IdentityError`, async () => {
    const input = installed.write(
      "recognise.js",
      `
      import { IdentityError } from "custom-identity-provider";
      console.log((error) => error instanceof IdentityError);
    `,
    );
    const text = await bundle(input);
    assert.match(text, /IdentityError/);
    assert.ok(!core.test(text), "the core is in it");
    assert.ok(text.length < 10_000, `${text.length} characters`);
  });

  for (const [use, widget] of Object.entries({
    custom_identity_provider: "LiveChat",
    getAuthToken: "Omnichannel's promise",
    authTokenProvider: "Omnichannel's callback",
    connectOmnichannel: "Omnichannel's page",
    connectLiveChat: "LiveChat's page",
    authoriseChatWithCallback: "Live Assist",
    livePersonIdentity: "LivePerson's tag",
  })) {
    test(`${name} leaves out of an application that only uses ${use} what is not for ${widget}`, async () => {
      const text = await bundle(
        installed.write(
          `only_${use}.js`,
          `
        import { ${use} } from "custom-identity-provider";
        console.log(${use}({ source: "/token", identity: null }));
      `,
        ),
      );
      assert.ok(core.test(text), "the core is missing");
      assert.deepEqual(
        Object.keys(marks).filter((name) => text.includes(marks[name])),
        widgets[use],
      );
    });
  }

  test(`${name} leaves all of it out of an application that uses none of it`, async () => {
    const text = await bundle(installed.write("nothing.js", `import "custom-identity-provider"; console.log(1);`));
    assert.ok(text.length < 100, `${text.length} characters`);
  });

  test(`${name} keeps the script, which is imported for what it does`, async () => {
    const text = await bundle(installed.write("script.js", `import "custom-identity-provider/script";`));
    assert.ok(core.test(text));
  });
}
