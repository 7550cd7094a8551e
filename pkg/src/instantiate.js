// @ts-check
// The core's start: at once where the browser allows that, else as soon as it can.

import { finish, imports } from "../generated/webassembly/custom_identity_provider.js";
import { attempt, global } from "./environment.js";

/** The page's own, read anew at every use. @returns {typeof WebAssembly} */
export const webAssembly = () => global("WebAssembly");

/** Whether this is compiled WebAssembly, of whatever frame. @param {any} value @returns {value is WebAssembly.Module} */
export const isModule = (value) => Object.prototype.toString.call(value) === "[object WebAssembly.Module]";

/**
 * Chrome before 115 compiles and instantiates nothing of more than 4 KB at once on the main thread of a page: RangeError.
 * @param {BufferSource | WebAssembly.Module} core
 * @returns {Promise<unknown> | void} nothing where it has started
 */
export const instantiate = (core) => {
  try {
    const module = isModule(core) ? core : new (webAssembly().Module)(core);
    finish(new (webAssembly().Instance)(module, imports()), module);
  } catch (error) {
    if (attempt(() => /** @type {Error} */ (error).name) !== "RangeError") throw error;
    return later(core);
  }
};

/** @param {any} core */
const later = async (core) => {
  const started = await webAssembly().instantiate(core, imports());
  // What was compiled already is answered without its module.
  finish(started.instance ?? started, started.module ?? core);
};
