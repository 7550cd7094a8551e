// @ts-check
// Where the entry of the browser tests has the core from that they run as JavaScript: itself.

import { coreOf } from "./core.js";
import { javascript } from "./javascript.js";

const core = /* @__PURE__ */ coreOf(javascript);

/** @returns {ReturnType<import("./engine.js").Load>} */
export const load = () => {
  core.start();
  return core;
};
