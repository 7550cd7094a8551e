// Makes what binaryen's wasm2js wrote (first argument) a module (second argument) that starts when it is told to, and touches no global that
// pages replace.
import { readFileSync, writeFileSync } from "node:fs";

/** Its own, for a page's Math may be another. Only those that are used stay in the bundle. */
const MATH = {
  imul: "(a, b) => ((a & 65535) * b + (((a >>> 16) * b) << 16)) | 0",
  clz32: "(number) => { let zeros = 32; for (number >>>= 0; number; number >>>= 1) zeros -= 1; return zeros; }",
  abs: "(number) => (number < 0 ? -number : number)",
  min: "(a, b) => (a < b ? a : b)",
  max: "(a, b) => (a > b ? a : b)",
  trunc: "(number) => number - (number % 1)",
  floor: "(number) => { const whole = number - (number % 1); return whole > number ? whole - 1 : whole; }",
  ceil: "(number) => { const whole = number - (number % 1); return whole < number ? whole + 1 : whole; }",
};

const START = `
/** Starts a core of its own. @param {object} imports */
export const instantiate = (imports) => ({ exports: asmFunc(imports) });
`;

const HELPERS = `
let bufferView;
/** Puts a text of a character for each byte into the memory. */
const initialise = (/** @type {number} */ at, /** @type {string} */ text) => {
  for (let index = 0; index < text.length; index += 1) bufferView[at + index] = text.charCodeAt(index);
};
const wasm2js_memory_copy = (to, from, length) => { bufferView.copyWithin(to, from, from + length); };
const wasm2js_memory_fill = (at, value, length) => { bufferView.fill(value, at, at + length); };
`;

const [from, to] = process.argv.slice(2);
let text = readFileSync(from, "utf8");

/** @param {string} what @param {RegExp} expression @param {string | ((...found: string[]) => string)} by */
const replace = (what, expression, by) => {
  const replaced = text.replace(expression, /** @type {any} */ (by));
  if (replaced === text) throw new Error(`${from} was expected to have ${what}`);
  text = replaced;
};

const math = Object.entries(MATH).map(([name, body]) => `const Math_${name} = ${body};\n`);
replace("its helpers at its beginning", /^import [^]*?(?=function initActiveSegments)/, `${math.join("")}${HELPERS}`);
replace("data", /base64DecodeToExistingUint8Array\(bufferView, (\d+), "([^"]*)"\)/g, (_, at, data) => {
  const bytes = Buffer.from(data, "base64").toString("latin1");
  return `initialise(${at}, ${JSON.stringify(bytes)})`;
});
replace("Math's functions", / var Math_\w+ = Math\.\w+;\n/g, "");
replace("functions to copy and fill memory", / {2}function wasm2js_memory_(copy|fill)\([^]*?\n {2}}\n/g, "");
// As it is written it reads what a page may have added to Object.prototype.
replace(
  "an exported memory",
  /Object\.create\(Object\.prototype, \{[^]*?return buffer;[^]*?\n {2}\}\)/,
  "{ get buffer() { return buffer; } }",
);
replace("its start at its end", /\nvar retasmFunc = asmFunc\([^]*$/, START);
// A function of Math that is missing above would be found out only when it is called.
for (const [, name] of text.matchAll(/\bMath_(\w+)\(/g))
  if (!(name in MATH)) throw new Error(`${from} uses Math.${name}, which ${import.meta.filename} does not have`);
writeFileSync(to, `// @ts-nocheck\n${text}`);
