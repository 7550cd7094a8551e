// @ts-check
// Fetches the chunk with the core, in the form that the page can run; and once more where that failed.

import { Promise, after, attempt, global, listen, monotonicNow, random, unlisten } from "./environment.js";
import { IdentityError } from "./error.js";

/** @typedef {import("./engine.js").Core} Core */
/** Fetches a chunk. @typedef {() => Promise<{core: Core}>} Fetch */

/** A module with a table of references: the newest part of WebAssembly that the core needs (Chrome 96, Firefox 79, Safari 15). */
const PROBE = [0, 97, 115, 109, 1, 0, 0, 0, 4, 4, 1, 111, 0, 1];

/** So often a chunk is fetched before whoever waits is told. */
const TRIES = 3;
/** The pauses between tries and, when all have failed, before a call may begin them anew: at first and at most. Milliseconds. */
const PAUSE = 2_000;
const MOST = 60_000;

/** Resolves after some time, or when the network is back. @param {number} delay milliseconds */
const pause = (delay) =>
  new Promise((resolve) => {
    const end = () => {
      unlisten("online", end);
      resolve(undefined);
    };
    listen("online", end);
    // Without a timer nobody would come back.
    after(end, delay) ?? end();
  });

/**
 * A fetch that is tried again. Firefox, and Chromium of some years ago, remember that a module failed: they name its address, and by another
 * fragment it is another module to them, and the same file to the server.
 * @param {Fetch} fetch
 * @returns {Fetch}
 */
const persistent = (fetch) => {
  /** @type {string | undefined} */
  let address;
  let failures = 0;
  return async () => {
    for (let tries = 1; ; tries += 1) {
      try {
        return await (address
          ? import(/* webpackIgnore: true */ /* @vite-ignore */ `${address}#${failures}`)
          : fetch());
      } catch (cause) {
        failures += 1;
        address ??= attempt(() => /https?:[^\s"'#]+/.exec(/** @type {Error} */ (cause).message)?.[0]);
        if (tries === TRIES) throw cause;
      }
      await pause(PAUSE * tries * random());
    }
  };
};

/**
 * What loads the core: as WebAssembly, or where the page cannot run that, as JavaScript.
 * @param {Fetch} webassembly
 * @param {Fetch} javascript
 * @returns {() => Promise<Core>}
 */
export const loader = (webassembly, javascript) => {
  const forms = [persistent(webassembly), persistent(javascript)];
  /** Told once: a policy that forbids WebAssembly reports each try. @type {boolean | undefined} */
  let isForbidden;
  let failures = 0;
  let until = 0;
  /** @type {unknown} */
  let latest;
  const wentOnline = () => void (until = 0);

  const load = async () => {
    isForbidden ??= !attempt(() => new (global("WebAssembly").Module)(Uint8Array.from(PROBE)));
    if (!isForbidden) {
      const { core } = await forms[0]();
      try {
        await core.start();
        return core;
      } catch {
        // What the engine compiles it will run, and this it does not.
        isForbidden = true;
      }
    }
    return (await forms[1]()).core;
  };

  return async () => {
    const left = until - monotonicNow();
    if (left > 0) {
      const message = "the core could not be loaded a moment ago; see cause";
      throw new IdentityError("COOLING_DOWN", message, { cause: latest, retryable: true, retryAfter: left });
    }
    try {
      return await load();
    } catch (cause) {
      latest = isForbidden
        ? new IdentityError(
            "WASM_BLOCKED",
            "the page runs no WebAssembly, and what stands in for it could not be loaded; see cause",
            { cause, retryable: true },
          )
        : new IdentityError("WASM_MISSING", "the core could not be loaded; see cause", { cause, retryable: true });
      until = monotonicNow() + Math.min(PAUSE * 2 ** failures, MOST);
      failures += 1;
      listen("online", wentOnline);
      throw latest;
    }
  };
};
