// @ts-check
// Where the default entry has the core from: chunks of its own, which bundlers find by these imports. The build puts their files in the names' places.

import { loaded } from "./loading.js";

/** @type {import("./loading.js").Chunk} */
const webassembly = { fetch: () => import("chunk:core") };
/** @type {import("./loading.js").Chunk} */
const javascript = { fetch: () => import("chunk:core_javascript") };

export const load = () => loaded(webassembly, javascript);
