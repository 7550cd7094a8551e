// The packed package through real bundlers, each result loaded in a browser, where it fetches real tokens, and the core in a chunk of its own.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { nodeResolve } from "@rollup/plugin-node-resolve";
import { rspack } from "@rspack/core";
import * as esbuild from "esbuild";
import { rollup } from "rollup";
import * as vite from "vite";
import * as vite7 from "vite-7";
import webpack from "webpack";
import { application, html, useInBrowser } from "./support/application.js";
import { launch } from "./support/chromium.js";
import { project } from "./support/installed_package.js";
import { site } from "./support/site.js";

const packages = fileURLToPath(new URL("node_modules", import.meta.url));

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
const write = (name, entry) => {
  const folder = name.replaceAll(/\W+/g, "-");
  installed.write(`${folder}/main.js`, application(entry));
  installed.write(`${folder}/index.html`, html);
  return join(installed.folder, folder);
};

/** A logger of Vite that keeps the warnings. @param {string[]} warnings */
const viteLogger = (warnings) => ({
  ...vite.createLogger("silent"),
  warn: (text) => void warnings.push(text),
  warnOnce: (text) => void warnings.push(text),
  error: (text) => void warnings.push(text),
});

const ofVite = (builder) => async (root) => {
  const warnings = [];
  await builder.build({ root, customLogger: viteLogger(warnings), build: { outDir: "dist" } });
  return warnings;
};

const ofWebpack = (builder) => async (root) => {
  const compiler = builder({
    mode: "production",
    context: root,
    entry: "./main.js",
    output: { path: join(root, "dist"), publicPath: "auto" },
  });
  const stats = await new Promise((resolve, reject) =>
    compiler.run((error, stats) => (error ? reject(error) : resolve(stats))),
  );
  await new Promise((resolve) => compiler.close(resolve));
  const { errors, warnings } = stats.toJson({ all: false, errors: true, warnings: true });
  return [...errors, ...warnings].map(({ message }) => message);
};

const ofEsbuild = (splitting) => async (root) => {
  const { warnings } = await esbuild.build({
    entryPoints: [join(root, "main.js")],
    bundle: true,
    minify: true,
    format: "esm",
    splitting,
    outdir: join(root, "dist"),
    logLevel: "silent",
  });
  return warnings.map(({ text }) => text);
};

const ofRollup = (output) => async (root) => {
  const warnings = [];
  const bundle = await rollup({
    input: join(root, "main.js"),
    plugins: [nodeResolve()],
    onwarn: ({ message }) => void warnings.push(message),
  });
  await bundle.write({ dir: join(root, "dist"), format: "es", ...output });
  await bundle.close();
  return warnings;
};

/** Runs a program to its end; answers with what it complained of. */
const run = (program, words, cwd) => {
  const { status, stdout, stderr, error } = spawnSync(program, words, {
    cwd,
    encoding: "utf8",
    timeout: 240_000,
    env: { ...process.env, NO_COLOR: "1", CI: "1" },
  });
  assert.equal(status, 0, `${error ?? ""}${stdout}${stderr}`);
  return `${stdout}\n${stderr}`.split("\n").filter((line) => /warn|⚠|unsupported|could not/i.test(line));
};

/** The program that an npm package of this machine's kind has; its own installer, which would put it into place, is not run. */
const bun = () => {
  const require = createRequire(createRequire(import.meta.url).resolve("bun/package.json"));
  const { optionalDependencies } = require("bun/package.json");
  for (const name of Object.keys(optionalDependencies)) {
    try {
      return require.resolve(`${name}/bin/bun`);
    } catch {
      // It is for another kind of machine.
    }
  }
  throw new Error("no bun for this machine");
};

/** Builds the application of a folder into its folder `dist`; answers with the warnings. @type {Record<string, (root: string) => Promise<string[]>>} */
const builds = {
  "Vite 8": ofVite(vite),
  "Vite 7, on Rollup": ofVite(vite7),
  webpack: ofWebpack(webpack),
  Rspack: ofWebpack(rspack),
  Rollup: ofRollup({}),
  "esbuild with splitting": ofEsbuild(true),
  Bun: async (root) =>
    run(
      bun(),
      ["build", "main.js", "--outdir", "dist", "--format", "esm", "--splitting", "--minify", "--target", "browser"],
      root,
    ),
  Parcel: async (root) =>
    run(
      process.execPath,
      [
        join(packages, "parcel/lib/bin.js"),
        "build",
        "index.html",
        "--dist-dir",
        "dist",
        "--no-source-maps",
        "--no-autoinstall",
        "--public-url",
        "./",
        "--cache-dir",
        join(root, "cache"),
      ],
      root,
    ),
};

/** Builds it, and serves what was built. */
const built = async (root, build) => {
  assert.deepEqual(await build(root), []);
  // What makes no page of its own gets ours.
  const page = join(root, "dist/index.html");
  writeFileSync(page, html, { flag: "a" });
  return site(join(root, "dist"));
};

for (const [name, build] of Object.entries(builds)) {
  test(`${name}: without a warning; the core comes in a chunk of its own, after the first factory call`, async () => {
    const server = await built(write(name), build);
    try {
      const came = await useInBrowser(browser, `${server.url}/index.html`);
      assert.deepEqual(came, { form: "webassembly", webassembly: "call" });
      assert.equal(server.issued(), 1);
      const again = await useInBrowser(browser, `${server.url}/index.html`, { failing: true });
      // Parcel's loader never fetches anew what it could not have once: there the other form serves.
      const found = name === "Parcel" ? { ...came, form: "javascript", javascript: "call" } : came;
      assert.deepEqual(again, found, "where the chunk could not be had at first");
    } finally {
      await server.close();
    }
  });
}

for (const [name, build] of Object.entries({
  "esbuild without splitting": ofEsbuild(false),
  "Rollup in one file": ofRollup({ inlineDynamicImports: true }),
})) {
  test(`${name}: one file with both forms of the core, which works`, async () => {
    const server = await built(write(name), build);
    try {
      assert.deepEqual(await useInBrowser(browser, `${server.url}/index.html`), {
        form: "webassembly",
        webassembly: "start",
        javascript: "start",
      });
    } finally {
      await server.close();
    }
  });
}

for (const [name, builder] of Object.entries({ "Vite 8": vite, "Vite 7": vite7 })) {
  test(`${name}'s development server: the same, with the package prepared by it and as it is`, async () => {
    for (const exclude of [[], ["custom-identity-provider"]]) {
      const root = write(`${name} development ${exclude}`);
      const warnings = [];
      const service = await site(root);
      const server = await builder.createServer({
        root,
        customLogger: viteLogger(warnings),
        cacheDir: join(root, "cache"),
        optimizeDeps: { exclude },
        server: { host: "127.0.0.1", port: 0, proxy: { "/livechat": service.url } },
      });
      try {
        await server.listen();
        const came = await useInBrowser(browser, server.resolvedUrls.local[0]);
        assert.deepEqual(came, { form: "webassembly", webassembly: "call" });
        assert.deepEqual(warnings, []);
      } finally {
        await server.close();
        await service.close();
      }
    }
  });
}

for (const [name, builder] of Object.entries({ "Vite 8": vite, webpack })) {
  test(`${name}: the inline entry has its core in the same file`, async () => {
    const build = builder === vite ? ofVite(vite) : ofWebpack(webpack);
    const server = await built(write(`${name} inline`, "custom-identity-provider/inline"), build);
    try {
      assert.deepEqual(await useInBrowser(browser, `${server.url}/index.html`), {
        form: undefined,
        webassembly: "start",
      });
    } finally {
      await server.close();
    }
  });
}

test("no bundler: the files as they are, by an import map; and another copy, or another version, beside them", async () => {
  const root = write("no-bundler");
  const dist = join(installed.package, "dist");
  for (const name of ["one", "copy", "later"]) cpSync(dist, join(root, name), { recursive: true });
  for (const file of ["index.js", "core.js", "core_javascript.js"]) {
    const path = join(root, "later", file);
    const { version } = JSON.parse(readFileSync(join(installed.package, "package.json"), "utf8"));
    writeFileSync(path, readFileSync(path, "utf8").replaceAll(`"${version}"`, '"99.0.0"'));
  }
  const maps = { imports: { "custom-identity-provider": "./one/index.js" } };
  writeFileSync(
    join(root, "index.html"),
    html.replace("<script", `<script type="importmap">${JSON.stringify(maps)}</script><script`),
  );
  const server = await site(root);
  try {
    const address = `${server.url}/index.html`;
    const expected = { form: "webassembly", webassembly: "call" };
    assert.deepEqual(await useInBrowser(browser, address), expected);
    for (const other of ["copy", "later"]) {
      const { page, errors, close } = await browser.page();
      await page.goto(address);
      const tokens = await page.evaluate(async (other) => {
        const options = { licenseId: 12345678, identity: () => "ada", cache: "memory", source: "/livechat/token" };
        const copies = await Promise.all(["one", other].map((name) => import(`/${name}/index.js`)));
        const tokens = await Promise.all(copies.map((copy) => copy.custom_identity_provider(options).getToken()));
        return tokens.map((token) => token.accessToken);
      }, other);
      assert.equal(new Set(tokens).size, 1, other);
      assert.deepEqual(await errors(), []);
      await close();
    }
    assert.equal(server.issued(), 3);
  } finally {
    await server.close();
  }
});
