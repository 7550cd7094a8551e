// @ts-check
// The core as JavaScript, which is made of the same program as the WebAssembly; and its start.

import { instantiate } from "../generated/javascript/core.js";
import {
  Provider,
  attemptEnded,
  finish,
  happened,
  hearMark,
  imports,
  signOut,
} from "../generated/javascript/custom_identity_provider.js";

/** Starts at once. @type {import("./core.js").Form} */
export const javascript = {
  form: "javascript",
  glue: { Provider, attemptEnded, happened, hearMark, signOut },
  start: () => void finish(instantiate(imports())),
};
