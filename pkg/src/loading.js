// @ts-check
// Fetches the chunk with the core, in the form that the page can run; and once more where that failed.

import { Promise, after, attempt, global, page, random } from "./environment.js";
import { IdentityError } from "./error.js";

/** @typedef {import("./engine.js").Core} Core */
/** Fetches a chunk. @typedef {() => Promise<{core: Core}>} Fetch */
/** A chunk that is fetched: as it was named, and how where that failed. @typedef {{fetch: Fetch, address?: string}} Chunk */

/** A module with a table of references: the newest part of WebAssembly that the core needs (Chrome 96, Firefox 79, Safari 15). */
const PROBE = [0, 97, 115, 109, 1, 0, 0, 0, 4, 4, 1, 111, 0, 1];

/** So often a chunk is fetched before whoever waits is told. */
const TRIES = 3;
/** The pauses between tries and, when all have failed, before a call may begin them anew: at first and at most. Milliseconds. */
const PAUSE = 2_000;
const MOST = 60_000;

/** Told once: a policy that forbids WebAssembly reports each try. @type {boolean | undefined} */
let isForbidden;
let failures = 0;
/** While it is too early to try again: what a call is told. @type {IdentityError | undefined} */
let refusal;

/** Some time, or until the network is back. Without a timer nobody would come back. @param {number} delay milliseconds */
const pause = (delay) =>
  new Promise((resolve) => {
    attempt(() => page.addEventListener("online", resolve, { once: true }));
    after(() => resolve(undefined), delay) ?? resolve(undefined);
  });

/**
 * Firefox, and Chromium of some years ago, remember that a module failed: they name its address, and by another fragment it is another module
 * to them, and the same file to the server.
 * @param {Chunk} chunk
 */
const fetched = async (chunk) => {
  for (let tries = 1; ; tries += 1) {
    const { address, fetch } = chunk;
    try {
      return (await (address ? import(/* webpackIgnore: true */ /* @vite-ignore */ `${address}#${failures}`) : fetch()))
        .core;
    } catch (cause) {
      failures += 1;
      chunk.address ??= attempt(() => /https?:[^\s"'#]+/.exec(/** @type {Error} */ (cause).message)?.[0]);
      if (tries === TRIES) throw cause;
    }
    await pause(PAUSE * tries * random());
  }
};

/**
 * The core as WebAssembly, or where the page cannot run that, as JavaScript; it runs.
 * @param {Chunk} webassembly
 * @param {Chunk} javascript
 * @returns {Promise<Core>}
 */
export const loaded = async (webassembly, javascript) => {
  if (refusal) throw refusal;
  try {
    isForbidden ??= !attempt(() => new (global("WebAssembly").Module)(Uint8Array.from(PROBE)));
    if (!isForbidden) {
      const core = await fetched(webassembly);
      try {
        await core.start();
        return core;
      } catch {
        // What the engine compiles it will run, and this it does not.
        isForbidden = true;
      }
    }
    const core = await fetched(javascript);
    await core.start();
    return core;
  } catch (cause) {
    /** @param {import("../index.js").IdentityErrorCode} code @param {unknown} cause */
    const error = (code, cause) =>
      new IdentityError(code, "the core could not be loaded; see cause", { cause, retryable: true });
    const found = error(isForbidden ? "WASM_BLOCKED" : "WASM_MISSING", cause);
    refusal = error("COOLING_DOWN", found);
    pause(Math.min(PAUSE * 2 ** (failures / TRIES - 1), MOST)).then(() => (refusal = undefined));
    throw found;
  }
};
