// @ts-check
// The chunk with the core as JavaScript.

import { coreOf } from "./core.js";
import { javascript } from "./javascript.js";

export const core = coreOf(javascript);
