// An application's own tests, under Vitest and Jest with jsdom and happy-dom: the README's, and what else such tests do.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { project } from "../packaging/support/installed_package.js";

const here = fileURLToPath(new URL(".", import.meta.url));
const applications = join(here, "applications");

let installed;
before(() => {
  installed = project([], here);
  const readme = readFileSync(join(installed.package, "README.md"), "utf8");
  // Each block that begins by naming its file.
  const named = [...readme.matchAll(/^```js\n\/\/ ([a-z_.]+\.js): .*?\n(.*?)^```/gms)].map(([, name, text]) => [
    name,
    text,
  ]);
  assert.deepEqual(
    named.map(([name]) => name),
    ["chat.js", "chat.test.js"],
  );
  const own = readdirSync(applications)
    .filter((name) => name.endsWith(".test.js"))
    .map((name) => [name, readFileSync(join(applications, name), "utf8")]);
  for (const [name, text] of [...named, ...own]) {
    installed.write(`vitest/${name}`, text);
    // Jest fakes everything without being told what.
    installed.write(
      `jest/${name}`,
      text
        .replace('"vitest"', '"@jest/globals"')
        .replace(/\bvi\b/g, "jest")
        .replace(/\{ toFake: .*? \}/, ""),
    );
  }
  installed.write(
    "babel.config.cjs",
    `module.exports = { plugins: ["@babel/plugin-transform-dynamic-import", "@babel/plugin-transform-modules-commonjs"] };`,
  );
});
after(() => installed?.remove());

/** Runs a runner to its end, which has to come by itself; answers with its report. */
const run = (name, args, options = {}) => {
  const started = spawnSync(process.execPath, [...(options.flags ?? []), join(here, "node_modules", name), ...args], {
    cwd: installed.folder,
    encoding: "utf8",
    timeout: 120_000,
    env: { ...process.env, CI: "1", NO_COLOR: "1", ...options.env },
  });
  const said = `${started.stdout}\n${started.stderr}`;
  assert.deepEqual({ status: started.status, signal: started.signal }, { status: 0, signal: null }, said);
  const { numPassedTests, numFailedTests, numTotalTests } = JSON.parse(
    readFileSync(join(installed.folder, options.report), "utf8"),
  );
  assert.ok(numTotalTests >= 15, said);
  assert.deepEqual({ numPassedTests, numFailedTests }, { numPassedTests: numTotalTests, numFailedTests: 0 }, said);
  assert.doesNotMatch(said, /did not exit|failed to exit|open handle|hanging|Unhandled/i);
};

for (const environment of ["jsdom", "happy-dom"]) {
  test(`Vitest with ${environment}`, () => {
    const report = `vitest-${environment}.json`;
    run(
      "vitest/vitest.mjs",
      [
        "run",
        "--environment",
        environment,
        "--dir",
        "vitest",
        "--reporter",
        "json",
        "--reporter",
        "default",
        `--outputFile.json=${report}`,
      ],
      { report },
    );
  });

  for (const [form, flags] of Object.entries({ CommonJS: [], "its modules": ["--experimental-vm-modules"] })) {
    test(`Jest with ${environment} and ${form}`, () => {
      const report = `jest-${environment}-${flags.length}.json`;
      const configuration = {
        rootDir: installed.folder,
        roots: ["<rootDir>/jest"],
        testEnvironment: environment === "jsdom" ? "jest-environment-jsdom" : "@happy-dom/jest-environment",
        ...(flags.length ? { transform: {} } : {}),
      };
      run("jest/bin/jest.js", ["--config", JSON.stringify(configuration), "--json", `--outputFile=${report}`], {
        report,
        flags,
      });
    });
  }
}
