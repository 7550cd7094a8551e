// The package outside of a page: imported by a server that renders pages, used by one, and left out by bundlers where it is not used.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
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

/** The program of a runtime's npm package, for this kind of machine; what would put it into place is not run. */
const programOf = (name, path) => {
  const require = createRequire(createRequire(import.meta.url).resolve(`${name}/package.json`));
  for (const part of Object.keys(require(`${name}/package.json`).optionalDependencies)) {
    try {
      return require.resolve(`${part}/${path}`);
    } catch {
      // It is for another kind of machine.
    }
  }
  throw new Error(`no ${name} for this machine`);
};

/** The runtimes, and how each runs a program. @type {Record<string, () => [program: string, ...words: string[]]>} */
const runtimes = {
  Node: () => [process.execPath, "--trace-warnings"],
  Deno: () => [programOf("deno", "deno"), "run", "--allow-all", "--quiet", "--no-lock", "--node-modules-dir=manual"],
  Bun: () => [programOf("bun", "bin/bun"), "run", "--no-install"],
};

/** Runs a program in the project; answers with what it printed as JSON. */
const node = (program, runtime = "Node") => {
  installed.write("program.js", program);
  const [command, ...words] = runtimes[runtime]();
  const { status, signal, stdout, stderr } = spawnSync(command, [...words, "program.js"], {
    cwd: installed.folder,
    encoding: "utf8",
    timeout: 60_000,
    env: { ...process.env, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
  });
  assert.deepEqual({ status, signal, stderr }, { status: 0, signal: null, stderr: "" });
  return JSON.parse(stdout);
};

const EXPORTS = [
  "IdentityError",
  "authTokenProvider",
  "authoriseChatWithCallback",
  "configure",
  "connectLiveChat",
  "connectOmnichannel",
  "custom_identity_provider",
  "getAuthToken",
  "livePersonIdentity",
  "sign_out",
];
const FACTORIES = {
  "custom-identity-provider": `custom_identity_provider({ licenseId: 1, identity: null, source: "/livechat/token" });`,
  "custom-identity-provider/inline": "",
};

for (const runtime of Object.keys(runtimes)) {
  for (const [entry, factory] of Object.entries(FACTORIES)) {
    test(`importing ${entry} in ${runtime}${factory && ", and setting up a widget,"} changes no global, compiles nothing, warns of nothing and lets the process end`, () => {
      assert.deepEqual(
        node(
          `
          import process from "node:process";
          // Some runtimes make their own globals when they are first listed.
          Reflect.ownKeys(globalThis);
          const before = Reflect.ownKeys(globalThis);
          let compiled = 0;
          for (const name of ["Module", "Instance"]) {
            WebAssembly[name] = new Proxy(WebAssembly[name], { construct: (...call) => { compiled += 1; return Reflect.construct(...call); } });
          }
          for (const name of ["instantiate", "compile"]) {
            WebAssembly[name] = new Proxy(WebAssembly[name], { apply: (...call) => { compiled += 1; return Reflect.apply(...call); } });
          }
          const { custom_identity_provider, ...others } = await import("${entry}");
          ${factory}
          const exports = ["custom_identity_provider", ...Object.keys(others)].sort();
          const added = Reflect.ownKeys(globalThis).filter((key) => !before.includes(key)).map(String);
          // Whatever was begun has ended by then.
          process.on("exit", () => console.log(JSON.stringify({ exports, added, compiled })));
        `,
          runtime,
        ),
        // What all copies on a page share is made when the first widget is set up.
        { exports: EXPORTS, added: factory ? ["Symbol(custom-identity-provider/3)"] : [], compiled: 0 },
      );
    });
  }

  test(`in ${runtime} a token is fetched, by either form of the core`, () => {
    assert.deepEqual(
      node(
        `
        import { custom_identity_provider } from "custom-identity-provider";
        const raw = { access_token: "made", entity_id: "entity", expires_in: 28800, token_type: "Bearer" };
        let form;
        const options = { licenseId: 1, identity: null, cache: "memory", source: async () => raw, onEvent: (event) => { form ??= event.form; } };
        const { accessToken } = await custom_identity_provider(options).getToken();
        console.log(JSON.stringify({ accessToken, form }));
      `,
        runtime,
      ),
      { accessToken: "made", form: "webassembly" },
    );
    assert.deepEqual(
      node(
        `
        globalThis.WebAssembly = undefined;
        const { custom_identity_provider } = await import("custom-identity-provider");
        const raw = { access_token: "made", entity_id: "entity", expires_in: 28800, token_type: "Bearer" };
        let form;
        const options = { licenseId: 1, identity: null, cache: "memory", source: async () => raw, onEvent: (event) => { form ??= event.form; } };
        const { accessToken } = await custom_identity_provider(options).getToken();
        console.log(JSON.stringify({ accessToken, form }));
      `,
        runtime,
      ),
      { accessToken: "made", form: "javascript" },
    );
  });
}

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

/** What a bundler makes of an application: the file that a page loads, and the chunks that it asks for later. */
const bundles = {
  async esbuild(input) {
    const { outputFiles } = await esbuild.build({
      entryPoints: [input],
      bundle: true,
      minify: true,
      splitting: true,
      format: "esm",
      outdir: "dist",
      write: false,
      logLevel: "error",
    });
    const [first, ...chunks] = outputFiles.map(({ text }) => text);
    return { first, chunks };
  },
  async rollup(input) {
    const bundle = await rollup({ input, plugins: [nodeResolve()] });
    const { output } = await bundle.generate({ format: "es" });
    const [first, ...chunks] = output.map(({ code }) => code);
    return { first, chunks };
  },
};
for (const [name, bundle] of Object.entries(bundles)) {
  test(`${name} asks for no chunk in an application that only imports IdentityError`, async () => {
    const input = installed.write(
      "recognise.js",
      `
      import { IdentityError } from "custom-identity-provider";
      console.log((error) => error instanceof IdentityError);
    `,
    );
    const { first } = await bundle(input);
    assert.match(first, /IdentityError/);
    assert.doesNotMatch(first, /import\(/);
    assert.ok(first.length < 10_000, `${first.length} characters`);
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
    test(`${name} leaves out of an application that only uses ${use} what is not for ${widget}, and the core`, async () => {
      const { first, chunks } = await bundle(
        installed.write(
          `only_${use}.js`,
          `
        import { ${use} } from "custom-identity-provider";
        console.log(${use}({ source: "/token", identity: null }));
      `,
        ),
      );
      assert.ok(!core.test(first), "the core is in it");
      assert.equal(chunks.filter((text) => core.test(text)).length, 1);
      assert.equal(chunks.length, 2);
      assert.deepEqual(
        Object.keys(marks).filter((name) => first.includes(marks[name])),
        widgets[use],
      );
    });
  }

  test(`${name} leaves all of it out of an application that uses none of it`, async () => {
    const { first } = await bundle(installed.write("nothing.js", `import "custom-identity-provider"; console.log(1);`));
    assert.ok(first.length < 100, `${first.length} characters`);
  });

  test(`${name} keeps the script, which is imported for what it does`, async () => {
    const { first, chunks } = await bundle(installed.write("script.js", `import "custom-identity-provider/script";`));
    assert.match(first, /globalThis/);
    assert.equal(chunks.filter((text) => core.test(text)).length, 1);
  });
}
