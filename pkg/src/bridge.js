// @ts-check
// Everything of JavaScript that the core calls.

import { identityError } from "./error.js";
import { kindOf } from "./kind.js";
import { takeApart } from "./json_web_token.js";
import { readIdentity } from "./options.js";
import { broadcast, newGeneration, openChannel, removeRecords, tell, wakeAfter } from "./page.js";
import { Deferred, refusal } from "./promise.js";
import { ask } from "./source.js";
import { parseRecord, recordText, tokenOf } from "./token.js";

/** One object: wasm-bindgen imports the module again for each function that needs no conversion. */
export const host = {
  ask,
  broadcast,
  deferred: (/** @type {number} */ limit) => new Deferred(limit),
  identityError,
  kindOf,
  newGeneration,
  openChannel,
  parseRecord,
  readIdentity,
  recordText,
  refusal,
  removeRecords,
  takeApart,
  tell,
  tokenOf,
  wakeAfter,
};
