// @ts-check
// What a sign-out leaves behind for the other tabs and workers of the origin, and takes away in this one.

import { attempt, global, random, randomBytes, storage } from "./environment.js";

/** Everything that this package stores begins with this, as `STORAGE_PREFIX` in `src/core/record.rs` says. */
export const PREFIX = "custom_identity_provider:";
/** Where the mark of the latest sign-out is kept, for all tabs of the origin; the channel that carries it is called so, too. */
export const MARK = `${PREFIX}generation`;

/**
 * Leaves a mark for all tabs of the origin. One that can't be written must not leave an older one standing: that would say that nobody
 * left. Answers whether it is there.
 * @param {string} mark
 */
export const writeMark = (mark) => {
  const local = storage("localStorage");
  const write = () => {
    local?.setItem(MARK, mark);
    return Boolean(local);
  };
  return attempt(write) || (attempt(() => local?.removeItem(MARK)), attempt(write)) || false;
};

/** The mark of a new sign-out. All are of one length, so that a full storage can take one in another's place. */
export const newMark = () => {
  const bytes = randomBytes(16) ?? Uint8Array.from({ length: 16 }, () => random() * 256);
  return Array.from(bytes, (byte) => (byte + 256).toString(16).slice(1)).join("");
};

/** A channel to every tab and worker that runs; undefined where there is none. @returns {BroadcastChannel | undefined} */
export const openedChannel = () => {
  // Deno would wait for messages before it exits, and cannot be told otherwise.
  const channel = global("Deno") ? undefined : attempt(() => new (global("BroadcastChannel"))(MARK));
  // So would Node.
  attempt(() => channel?.unref?.());
  return channel;
};

/** Carries a sign-out; a page whose storage takes no mark has removed the older one, which says enough. @param {BroadcastChannel | undefined} channel @param {string} mark @param {boolean} isWritten whether it stands in localStorage, too */
export const post = (channel, mark, isWritten) =>
  attempt(() => channel?.postMessage({ mark, isWritten: isWritten || Boolean(global("document")) }));

/** Removes the records of all sessions, also of those that this page never opened, but for those of one generation. @param {string} spared */
export const removeRecords = (spared) => {
  // Where storage is blocked there is nothing to remove, and each session has said so by an event.
  const session = storage("sessionStorage");
  for (const key of attempt(() => session?.keys()) ?? []) {
    if (!key.startsWith(PREFIX) || attempt(() => session?.getItem(key)?.includes(`"generation":"${spared}"`))) continue;
    attempt(() => session?.removeItem(key));
  }
};

/** A sign-out where no core runs: nothing is in this page's memory; what lies in storage goes, and every other tab is told. */
export const signOutWithoutCore = () => {
  const mark = newMark();
  const channel = openedChannel();
  post(channel, mark, writeMark(mark));
  // An open channel could keep the page out of the back/forward cache.
  attempt(() => channel?.close());
  removeRecords(mark);
};
