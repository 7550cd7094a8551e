// The packed package through real bundlers, each result loaded in a browser, where it fetches real tokens.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { nodeResolve } from "@rollup/plugin-node-resolve";
import * as esbuild from "esbuild";
import { rollup } from "rollup";
import * as vite from "vite";
import webpack from "webpack";
import { launch } from "./support/chromium.js";
import { project } from "./support/installed_package.js";
import { site } from "./support/site.js";

/** What an application does with the package: a token from a function, one from a URL, an error recognised. */
const use = `
  const ask = async (organizationId, source) => custom_identity_provider({ organizationId, source, identity: null }).getToken();
  const caught = (error) => error instanceof IdentityError ? error.code : String(error);
  globalThis.answers = Promise.resolve().then(start).then(async () => ({
    fromFunction: await ask("organization-of-the-function", async () => ({
      access_token: "made-by-the-page", entity_id: "entity-of-the-function", expires_in: 28800, token_type: "Bearer",
    })),
    fromUrl: await ask("organization", "/livechat/token"),
    refused: await ask("organization-without-a-source").catch(caught),
    signedOut: await sign_out(),
  })).catch((error) => ({ failed: error.code + ": " + error.message + " " + error.cause }));
`;
const names = "custom_identity_provider, IdentityError, sign_out";
/** Each way of loading the package, and the lines that an application writes for it. */
const applications = {
  "default entry": `import { ${names} } from "custom-identity-provider";
    const start = () => {};`,
  "slim entry, init()": `import { ${names}, init } from "custom-identity-provider/slim";
    const start = () => init();`,
  "slim entry, wasm?url": `import { ${names}, init } from "custom-identity-provider/slim";
    import wasm from "custom-identity-provider/wasm?url";
    const start = () => init(wasm);`,
  "slim entry, new URL of /wasm": `import { ${names}, init } from "custom-identity-provider/slim";
    const start = () => init(new URL("custom-identity-provider/wasm", import.meta.url));`,
};

let installed, browser;
before(async () => {
  installed = project();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  installed?.remove();
});

/** Writes an application into a folder of its own in the project. */
const application = (name, kind) => {
  installed.write(`${name}/main.js`, applications[kind] + use);
  installed.write(
    `${name}/index.html`,
    `<!doctype html><title>${name}</title><link rel="icon" href="data:,"><script type="module" src="./main.js"></script>`,
  );
  return join(installed.folder, name);
};

/** Opens the page and holds its answers against what the application must get. */
const check = async (url) => {
  const { page, errors, close } = await browser.page();
  try {
    await page.goto(url);
    await page.waitForFunction(() => "answers" in globalThis);
    const answers = await page.evaluate(() => globalThis.answers);
    const { creationDate, ...fromFunction } = answers.fromFunction ?? {};
    assert.deepEqual(
      { ...answers, fromFunction },
      {
        fromFunction: {
          accessToken: "made-by-the-page",
          entityId: "entity-of-the-function",
          expiresIn: 28_800_000,
          tokenType: "Bearer",
          organizationId: "organization-of-the-function",
        },
        fromUrl: { ...answers.fromUrl, accessToken: "made-by-a-test:1", entityId: "entity" },
        refused: "BAD_OPTION",
        signedOut: undefined,
      },
    );
    assert.ok(Math.abs(creationDate - Date.now()) < 60_000);
    // A wrong option is said in the console, too.
    assert.deepEqual(
      (await errors()).filter((text) => !text.includes("the option source is wrong")),
      [],
    );
  } finally {
    await close();
  }
};

const serve = async (folder) => {
  const server = await site(folder);
  try {
    await check(`${server.url}/index.html`);
    assert.equal(server.issued(), 1);
  } finally {
    await server.close();
  }
};

const builds = {
  async vite(root) {
    await vite.build({ root, logLevel: "error", build: { outDir: "dist" } });
    return join(root, "dist");
  },
  async webpack(root) {
    const output = join(root, "dist");
    const compiler = webpack({
      mode: "production",
      context: root,
      entry: "./main.js",
      output: { path: output, publicPath: "auto" },
    });
    const stats = await new Promise((resolve, reject) =>
      compiler.run((error, stats) => (error ? reject(error) : resolve(stats))),
    );
    await new Promise((resolve) => compiler.close(resolve));
    assert.deepEqual(stats.toJson({ all: false, errors: true }).errors, []);
    return output;
  },
  async esbuild(root) {
    const outdir = join(root, "dist");
    await esbuild.build({
      entryPoints: [join(root, "main.js")],
      bundle: true,
      minify: true,
      format: "esm",
      outdir,
      logLevel: "error",
    });
    return outdir;
  },
  async rollup(root) {
    const output = join(root, "dist");
    const bundle = await rollup({
      input: join(root, "main.js"),
      plugins: [nodeResolve()],
      onwarn: (warning) => {
        throw new Error(warning.message);
      },
    });
    await bundle.write({ dir: output, format: "es" });
    await bundle.close();
    return output;
  },
};

const page =
  '<!doctype html><title>Built</title><link rel="icon" href="data:,"><script type="module" src="./main.js"></script>';

for (const [builder, kind] of [
  ["vite", "default entry"],
  ["webpack", "default entry"],
  ["esbuild", "default entry"],
  ["rollup", "default entry"],
  ["vite", "slim entry, init()"],
  ["vite", "slim entry, wasm?url"],
  ["webpack", "slim entry, init()"],
  ["webpack", "slim entry, new URL of /wasm"],
]) {
  test(`${builder}: ${kind}`, async () => {
    const folder = application(`${builder}-${kind.replaceAll(/\W+/g, "-")}`, kind);
    const output = await builds[builder](folder);
    if (builder !== "vite") installed.write(join(output, "index.html").slice(installed.folder.length), page);
    await serve(output);
  });
}

for (const kind of ["default entry", "slim entry, init()", "slim entry, wasm?url"]) {
  test(`vite's development server: ${kind}`, async () => {
    const folder = application(`vite-development-${kind.replaceAll(/\W+/g, "-")}`, kind);
    const service = await site(folder);
    const server = await vite.createServer({
      root: folder,
      logLevel: "error",
      cacheDir: join(folder, ".vite"),
      server: { host: "127.0.0.1", port: 0, proxy: { "/livechat": service.url } },
    });
    try {
      await server.listen();
      await check(server.resolvedUrls.local[0]);
      assert.equal(service.issued(), 1);
    } finally {
      await server.close();
      await service.close();
    }
  });
}
