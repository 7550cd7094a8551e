// What the package costs a page at its start: how much a build of Vite grows by each of its functions, after gzip. The core comes later.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import * as vite from "vite";
import { project } from "./support/installed_package.js";

/** An application that uses `custom_identity_provider` alone grows by no more, bytes. */
const LIMIT = 4_096;

/** One of each kind of widget; they are only reported. */
const OTHERS = [
  "connectLiveChat",
  "getAuthToken",
  "connectOmnichannel",
  "authoriseChatWithCallback",
  "livePersonIdentity",
];

let installed;
before(() => {
  installed = project();
  installed.write("index.html", '<script type="module" src="./main.js"></script>');
  // A chunk that every application has, so that what Vite itself adds for the first one is counted apart.
  installed.write("chunk.js", "export const late = () => console.log('late');");
});
after(() => installed?.remove());

const IMPORTING = `import("./chunk.js").then(({ late }) => late());`;

/** The size after gzip of all that the page loads at its start. */
const built = async (main) => {
  installed.write("main.js", main);
  const { output } = await vite.build({
    root: installed.folder,
    logLevel: "silent",
    build: { write: false, outDir: join(installed.folder, "dist") },
  });
  const byName = new Map(output.map((file) => [file.fileName, file]));
  const files = new Set();
  const collect = (file) => {
    if (files.has(file)) return;
    files.add(file);
    for (const name of file.imports) collect(byName.get(name));
  };
  collect(output.find((file) => file.isEntry));
  return [...files].reduce((size, { code }) => size + gzipSync(code, { level: 9 }).length, 0);
};

/** @param {string[]} names */
const using = (names) =>
  `import { ${names} } from "custom-identity-provider"; globalThis.used = [${names}];\n${IMPORTING}`;

test("the face is at most 4,096 B after gzip in an application that uses custom_identity_provider alone", async (context) => {
  const alone = ["custom_identity_provider"];
  const whole = await built(using(alone));
  const growth = whole - (await built(IMPORTING));
  // The same beside no other chunk: then Vite's own loader of chunks comes with the package's.
  const withLoader = (await built(using(alone).replace(IMPORTING, ""))) - (await built("console.log('late');"));
  context.diagnostic(`custom_identity_provider: ${growth} B; with Vite's loader of chunks ${withLoader} B`);
  for (const name of OTHERS) {
    context.diagnostic(`${name} beside it: ${(await built(using([...alone, name]))) - whole} B more`);
  }
  assert.ok(growth <= LIMIT, `${growth} B`);
});
