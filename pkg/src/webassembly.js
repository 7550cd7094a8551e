// @ts-check
// The core as WebAssembly: its bytes, which come with the program as a text, and its start.

import {
  Provider,
  askedByTab,
  attemptEnded,
  finish,
  happened,
  hearMark,
  inTurn,
  imports,
  signOut,
} from "../generated/webassembly/custom_identity_provider.js";
import text from "../generated/webassembly/inlined_wasm.js";
import { attempt, global } from "./environment.js";

const parts = {
  form: /** @type {const} */ ("webassembly"),
  glue: { Provider, askedByTab, attemptEnded, happened, hearMark, inTurn, signOut },
};

/** The page's own, read anew at every use. @returns {typeof WebAssembly} */
const engine = () => global("WebAssembly");

/** The bytes of the core, each of which is a character of the text. */
const bytesOfCore = () => {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = text.charCodeAt(at);
  return bytes;
};

/** Engines compile it beside the page's own thread. */
const startBeside = async () => {
  const { instance, module } = /** @type {WebAssembly.WebAssemblyInstantiatedSource} */ (
    /** @type {unknown} */ (await engine().instantiate(bytesOfCore(), imports()))
  );
  finish(instance, module);
};

/** Chrome before 115 compiles nothing of more than 4 KB at once on the main thread of a page: RangeError. */
const startAtOnce = () => {
  try {
    const module = new (engine().Module)(bytesOfCore());
    finish(new (engine().Instance)(module, imports()), module);
  } catch (error) {
    if (attempt(() => /** @type {Error} */ (error).name) !== "RangeError") throw error;
    return startBeside();
  }
};

/** Starts without keeping the page. @type {import("./core.js").Form} */
export const beside = { ...parts, start: startBeside };
/** Starts at the first call, at once where the browser allows that. @type {import("./core.js").Form} */
export const atOnce = { ...parts, start: startAtOnce };
