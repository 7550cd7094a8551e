// @ts-check
// The core's start: at once where the browser allows that, else as soon as it can.

import { finish, imports, initSync } from "../generated/custom_identity_provider.js";
import { attempt } from "./environment.js";

/**
 * Chrome before 115 compiles and instantiates nothing of more than 4 KB at once on the main thread of a page: RangeError.
 * @param {BufferSource | WebAssembly.Module} core
 * @returns {Promise<unknown> | void} nothing where it has started
 */
export const instantiate = (core) => {
  try {
    initSync({ module: core });
  } catch (error) {
    if (attempt(() => /** @type {Error} */ (error).name) !== "RangeError") throw error;
    return later(core);
  }
};

/** @param {any} core */
const later = async (core) => {
  const started = await WebAssembly.instantiate(core, imports());
  // What was compiled already is answered without its module.
  finish(started.instance ?? started, started.module ?? core);
};
