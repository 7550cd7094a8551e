// @ts-check
// The plain script: one global function, with the rest of the package as its properties.

import { IdentityError, configure, custom_identity_provider, sign_out } from "./index.js";

Object.assign(globalThis, {
  custom_identity_provider: Object.assign(custom_identity_provider, { configure, sign_out, IdentityError }),
});
