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
before(() => { installed = project(); });
after(() => installed?.remove());

/** Runs a program in the project with plain Node; answers with what it printed as JSON. */
const node = (program) => {
  installed.write("program.js", program);
  const { status, signal, stdout, stderr } = spawnSync("node", ["--trace-warnings", "program.js"], { cwd: installed.folder, encoding: "utf8", timeout: 20_000 });
  assert.deepEqual({ status, signal, stderr }, { status: 0, signal: null, stderr: "" });
  return JSON.parse(stdout);
};

for (const entry of ["custom-identity-provider", "custom-identity-provider/slim"]) {
  test(`importing ${entry} on a server changes no global, compiles nothing, warns of nothing and lets the process end`, () => {
    assert.deepEqual(node(`
      const before = Reflect.ownKeys(globalThis);
      let compiled = 0;
      for (const name of ["Module", "Instance"]) {
        WebAssembly[name] = new Proxy(WebAssembly[name], { construct: (...call) => { compiled += 1; return Reflect.construct(...call); } });
      }
      const exports = Object.keys(await import("${entry}")).sort();
      const added = Reflect.ownKeys(globalThis).filter((key) => !before.includes(key)).map(String);
      console.log(JSON.stringify({ exports, added, compiled }));
    `), {
      exports: ["IdentityError", "configure", "custom_identity_provider", ...(entry.endsWith("slim") ? ["init"] : []), "sign_out"],
      added: [],
      compiled: 0,
    });
  });
}

test("in Node, with the memory cache, it fetches one token and then answers from memory", () => {
  assert.deepEqual(node(`
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
  `), { tokens: ["made-1", "made-1", "made-1"], had: true, has: false, asked: 1 });
});

test("in Node, options are read as in a page: a wrong one throws at once and is named", () => {
  assert.deepEqual(node(`
    import { IdentityError, custom_identity_provider } from "custom-identity-provider";
    try {
      custom_identity_provider({ organizationId: "organization", cache: "memory", source: 7 });
    } catch (error) {
      console.log(JSON.stringify({ ours: error instanceof IdentityError, code: error.code, named: error.message.includes("source") }));
    }
  `), { ours: true, code: "BAD_OPTION", named: true });
});

/** How the inlined core begins: the magic number of WebAssembly, in base64. */
const core = "AGFzbQ";

/** What a bundler makes of an application. */
const bundles = {
  async esbuild(input) {
    const { outputFiles } = await esbuild.build({ entryPoints: [input], bundle: true, minify: true, format: "esm", write: false, logLevel: "error" });
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
    const input = installed.write("recognise.js", `
      import { IdentityError } from "custom-identity-provider";
      console.log((error) => error instanceof IdentityError);
    `);
    const text = await bundle(input);
    assert.match(text, /IdentityError/);
    assert.ok(!text.includes(core), "the core is in it");
    assert.ok(text.length < 10_000, `${text.length} characters`);
  });

  test(`${name} leaves all of it out of an application that uses none of it`, async () => {
    const text = await bundle(installed.write("nothing.js", `import "custom-identity-provider"; console.log(1);`));
    assert.ok(text.length < 100, `${text.length} characters`);
  });

  test(`${name} keeps the script, which is imported for what it does`, async () => {
    const text = await bundle(installed.write("script.js", `import "custom-identity-provider/script";`));
    assert.ok(text.includes(core));
  });
}
