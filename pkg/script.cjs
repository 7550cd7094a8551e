// The script's global for who requires it.

const { custom_identity_provider, ...properties } = require("./dist/index.cjs");

Object.assign(globalThis, { custom_identity_provider: Object.assign(custom_identity_provider, properties) });
