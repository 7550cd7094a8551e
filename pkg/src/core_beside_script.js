// @ts-check
// Where the plain script has the core from: the files beside it.

import { attempt, global } from "./environment.js";
import { loaded } from "./loading.js";

/** The script's own address, which can be told only while it runs; a worker knows none but the one that it began with. @type {string | undefined} */
const here = attempt(() => global("document").currentScript.src) ?? attempt(() => global("location").href);

/** @param {string} name @returns {import("./loading.js").Chunk} */
const beside = (name) => ({ fetch: async () => import(new (global("URL"))(name, here).href) });

const webassembly = beside("core.js");
const javascript = beside("core_javascript.js");

export const load = () => loaded(webassembly, javascript);
