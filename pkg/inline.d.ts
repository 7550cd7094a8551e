// The inline entry: the same face as the default one, in one file with the core.

export * from "./index.js";
