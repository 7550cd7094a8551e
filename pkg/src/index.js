// @ts-check
// The default entry: self-contained and synchronous; the core is inlined and instantiated at the first call.

import { initSync } from "../generated/custom_identity_provider.js";
import inlined from "../generated/inlined_wasm.js";
import { face } from "./face.js";

const load = () => {
  initSync({ module: Uint8Array.from(atob(inlined), (character) => character.charCodeAt(0)) });
};

export const { custom_identity_provider, configure, sign_out } = /* @__PURE__ */ face(load);
export { IdentityError } from "./error.js";
