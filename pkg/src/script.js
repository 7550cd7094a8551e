// @ts-check
// The plain script: one global function, with the rest of the package as its properties.

import * as face from "./index.js";

const { custom_identity_provider, ...properties } = face;

Object.assign(globalThis, { custom_identity_provider: Object.assign(custom_identity_provider, properties) });
