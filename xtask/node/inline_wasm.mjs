// Writes a wasm file (first argument) as a JavaScript module (second argument) whose default export is its base64.
import { readFileSync, writeFileSync } from "node:fs";

const [wasm, module] = process.argv.slice(2);
writeFileSync(module, `export default ${JSON.stringify(readFileSync(wasm).toString("base64"))};\n`);
