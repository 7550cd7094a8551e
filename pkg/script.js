// The script's global for who imports it: the core comes as a chunk of the application, as the default entry's does.

import * as face from "./dist/index.js";

const { custom_identity_provider, ...properties } = face;

Object.assign(globalThis, { custom_identity_provider: Object.assign(custom_identity_provider, properties) });
