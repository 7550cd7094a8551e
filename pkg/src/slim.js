// @ts-check
// The slim entry: the core is a file of its own, fetched by `init`.

import { initSync } from "../generated/custom_identity_provider.js";
import { IdentityError } from "./error.js";
import { face, loadError } from "./face.js";

/** @type {WebAssembly.Module | undefined} */
let compiled;

/**
 * Fetches and compiles the core; to be awaited before the first call. A failure is not remembered: call it again.
 * @param {string | URL | Response | BufferSource | WebAssembly.Module | Promise<Response>} [source] default: the file beside this module
 */
export const init = async (source = new URL("./custom_identity_provider.wasm", import.meta.url)) => {
  const found = await source;
  if (found instanceof WebAssembly.Module) {
    compiled = found;
    return;
  }
  const response = typeof found === "string" || found instanceof URL ? await fetch(found) : found;
  if (response instanceof Response && !response.ok) {
    throw new IdentityError("WASM_MISSING", "the WebAssembly file could not be fetched; see status", { status: response.status });
  }
  try {
    compiled = await WebAssembly.compile(response instanceof Response ? await response.arrayBuffer() : response);
  } catch (cause) {
    throw loadError(cause);
  }
};

const load = () => {
  if (!compiled) throw new IdentityError("WASM_MISSING", "await init() of custom-identity-provider/slim before the first call");
  initSync({ module: compiled });
};

export const { custom_identity_provider, configure, sign_out } = /* @__PURE__ */ face(load);
export { IdentityError };
