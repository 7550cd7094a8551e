// Builds the pages with Vite, as applications do, on the packed package.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "vite";
import { contenders } from "../contenders/list.js";

const here = fileURLToPath(new URL("..", import.meta.url));

/** LiveChat's own names its server by itself; here it is the page's. */
const onLoopback = {
  name: "accounts-on-loopback",
  transform: (code, id) =>
    id.includes("customer-auth") ? code.replaceAll("https://accounts.livechatinc.com", "") : undefined,
};

/** The packed package, which the project alone has. @param {string} main a file of the project */
const packed = (main) => ({
  name: "packed-package",
  resolveId(source) {
    return source === "custom-identity-provider" ? this.resolve(source, main, { skipSelf: true }) : undefined;
  },
});

/**
 * @typedef {object} Page
 * @property {string} html
 * @property {Map<string, Buffer>} files by path, each as it is sent
 * @property {number} start bytes of what the page loads before its script runs, after gzip
 */

/**
 * @param {string} folder where it is built
 * @param {string} name
 * @param {string} code of its script
 * @returns {Promise<Page>}
 */
const page = async (folder, name, code) => {
  const root = join(folder, name);
  mkdirSync(root, { recursive: true });
  const input = join(root, "main.js");
  writeFileSync(input, code);
  await build({
    root,
    base: `/${name}/`,
    configFile: false,
    logLevel: "error",
    plugins: [onLoopback, packed(input)],
    build: { manifest: true, modulePreload: { polyfill: false }, target: "es2022", rollupOptions: { input } },
  });
  const manifest = JSON.parse(readFileSync(join(root, "dist/.vite/manifest.json"), "utf8"));
  const entry = manifest["main.js"];
  const atStart = new Set();
  const follow = ({ file, imports = [] }) => {
    atStart.add(file);
    for (const next of imports) follow(manifest[next]);
  };
  follow(entry);
  const files = new Map();
  for (const { file } of Object.values(manifest)) {
    files.set(`/${name}/${file}`, gzipSync(readFileSync(join(root, "dist", file)), { level: 9 }));
  }
  const path = (file) => `/${name}/${file}`;
  const preloads = [...atStart].filter((file) => file !== entry.file);
  return {
    html: `<!doctype html><title>${name}</title><link rel="icon" href="data:,">
<script>performance.mark("start")</script>
${preloads.map((file) => `<link rel="modulepreload" crossorigin href="${path(file)}">\n`).join("")}<script type="module" crossorigin src="${path(entry.file)}"></script>`,
    files,
    start: [...atStart].reduce((sum, file) => sum + files.get(path(file)).length, 0),
  };
};

/**
 * A page for each contender, one without any, and one with all.
 * @param {string} folder a project that has the package
 * @param {string[]} [names] of the pages that are wanted
 * @returns {Promise<Map<string, Page>>} by name
 */
export const pages = async (folder, names = ["nothing", ...contenders.map(({ id }) => id), "cached"]) => {
  const found = new Map();
  const module = (path) => JSON.stringify(join(here, path));
  for (const name of names) {
    const code =
      name === "cached"
        ? `import * as cached from ${module("pages/cached.js")}; globalThis.cached = cached;`
        : `import * as contender from ${module(`contenders/${name}.js`)}; import { run } from ${module("pages/application.js")};
           globalThis.done = run(contender);`;
    found.set(name, await page(folder, name, code));
  }
  return found;
};
