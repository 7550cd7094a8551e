// @ts-check
// Where the plain script has the core from: the files beside it.

import { attempt, global } from "./environment.js";
import { loader } from "./loading.js";

/** The script's own address, which can be told only while it runs. @type {string | undefined} */
const here = attempt(() => global("document").currentScript.src);

/** @param {string} name @returns {import("./loading.js").Fetch} */
const beside = (name) => async () => import(new (global("URL"))(name, here).href);

export const load = loader(beside("core.js"), beside("core_javascript.js"));
