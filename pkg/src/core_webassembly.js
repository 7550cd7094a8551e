// @ts-check
// The chunk with the core as WebAssembly.

import { coreOf } from "./core.js";
import { beside } from "./webassembly.js";

export const core = coreOf(beside);
