// Puts a wasm file (first argument) into the bundles (the rest) in the place of a name, as a text of a character for each byte.
// After gzip that is 5 KB less than base64. What is not ASCII is escaped, so that the text means the same in whatever encoding a page is; other
// characters that may stand in a text stand there as they are, for escapes cost 3 KB.
import { readFileSync, writeFileSync } from "node:fs";

/** As `inlined_wasm.js` has it. */
const NAME = "BYTES_OF_THE_CORE";

const [wasm, ...bundles] = process.argv.slice(2);
const text = readFileSync(wasm).toString("latin1");
const escaped = (/** @type {string} */ character, /** @type {number} */ at) => {
  // Before a digit, \0 would be another character.
  if (character === "\0" && !/[0-9]/.test(text.charAt(at + 1))) return "\\0";
  const short = { "\n": "\\n", "\r": "\\r", '"': '\\"', "\\": "\\\\" }[character];
  return short ?? `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
};
const literal = `"${text.replace(/[\0\n\r"\\\x7f-\xff]/g, escaped)}"`;
for (const bundle of bundles) {
  const parts = readFileSync(bundle, "utf8").split(NAME);
  if (parts.length !== 2) throw new Error(`${bundle} has ${NAME} ${parts.length - 1} times, expected once`);
  writeFileSync(bundle, parts.join(literal));
}
