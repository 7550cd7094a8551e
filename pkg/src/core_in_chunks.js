// @ts-check
// Where the default entry has the core from: chunks of its own, which bundlers find by these imports. The build puts their files in the names' places.

import { loader } from "./loading.js";

export const load = /* @__PURE__ */ loader(
  () => import("chunk:core"),
  () => import("chunk:core_javascript"),
);
