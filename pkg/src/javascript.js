// @ts-check
// The core as JavaScript, which is made of the same program as the WebAssembly; and its start.

import { instantiate } from "../generated/javascript/core.js";
import {
  Provider,
  askedByTab,
  attemptEnded,
  finish,
  happened,
  hearMark,
  imports,
  inTurn,
  signOut,
} from "../generated/javascript/custom_identity_provider.js";

/** Starts at once. @type {import("./core.js").Form} */
export const javascript = {
  form: "javascript",
  glue: { Provider, askedByTab, attemptEnded, happened, hearMark, inTurn, signOut },
  start: () => void (/** @type {any} */ (finish)(instantiate(imports()))),
};
