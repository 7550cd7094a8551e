// The slim entry: the same face as the default one, with the WebAssembly file fetched by URL.

export * from "./index.js";

/**
 * Fetches and compiles the core; await it before the first call. A failure is not remembered: call it again.
 * Rejects with an IdentityError: WASM_MISSING when the file could not be had, WASM_BLOCKED when the page forbids WebAssembly.
 * @param source where the file is, or what it already became. Default: the file beside this module.
 */
export function init(
  source?: string | URL | Response | BufferSource | WebAssembly.Module | Promise<Response>,
): Promise<void>;
