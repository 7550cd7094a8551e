// @ts-check
// Where the inline entry has the core from: itself.

import { coreOf } from "./core.js";
import { atOnce } from "./webassembly.js";
import { attempt } from "./environment.js";
import { IdentityError } from "./error.js";

/** What kept the core from running, said in a way that helps. @param {unknown} cause */
const loadError = (cause) =>
  /unsafe-eval|content security policy|\bCSP\b/i.test(String(attempt(() => String(cause))))
    ? new IdentityError(
        "WASM_BLOCKED",
        "the page's Content-Security-Policy forbids WebAssembly: add 'wasm-unsafe-eval' to its script-src directive, or use the entry custom-identity-provider in place of custom-identity-provider/inline",
        { cause },
      )
    : new IdentityError("WASM_MISSING", "the core could not be started; see cause", { cause });

const core = /* @__PURE__ */ coreOf(atOnce);

/** @returns {ReturnType<import("./engine.js").Load>} */
export const load = () => {
  try {
    const starting = core.start();
    return starting
      ? starting.then(
          () => core,
          (/** @type {unknown} */ cause) => {
            throw loadError(cause);
          },
        )
      : core;
  } catch (cause) {
    throw loadError(cause);
  }
};
