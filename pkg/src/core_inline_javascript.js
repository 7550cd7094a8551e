// @ts-check
// Where the entry of the browser tests has the core from that they run as JavaScript: itself.

import { coreOf } from "./core.js";
import { javascript } from "./javascript.js";

/** @returns {ReturnType<import("./engine.js").Load>} */
export const load = () => {
  const core = coreOf(javascript);
  core.start();
  return core;
};
