// @ts-check
// The default entry: self-contained and synchronous; the core is inlined and instantiated at the first call.

import { initSync } from "../generated/custom_identity_provider.js";
import inlined from "../generated/inlined_wasm.js";
import { provide, signOutWith } from "./face.js";

const load = () => {
  initSync({ module: Uint8Array.from(atob(inlined), (character) => character.charCodeAt(0)) });
};

/** @param {Partial<import("../index.js").LiveChatOptions>} [options] */
export const custom_identity_provider = (options) => provide(load, options);
export const sign_out = () => signOutWith(load);
export { configure } from "./face.js";
export { IdentityError } from "./error.js";
