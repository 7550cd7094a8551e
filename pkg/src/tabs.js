// @ts-check
// The turn to ask a source, among the tabs that ask together: who has it holds a lock, and the others wait for what it hands on over the channel.
// Whether that may be taken, and who is handed what, the core decides.

import {
  abortController,
  after,
  attempt,
  cancel,
  global,
  listen,
  monotonicNow,
  queueMicrotask,
  wallNow,
} from "./environment.js";

/** @typedef {import("./source.js").Asking} Asking */
/** Tells the core what an attempt comes to; true where it is over. @typedef {(record: string, isItsTurn: boolean) => boolean} Tell */

/** So long the other tabs have to say that they hold a token. Milliseconds. */
const ANSWER = 500;
/** A tab that asks has until its deadline; so much later the next in line takes its turn, and then nobody waits for it any more, as `TURN_GRACE` in `src/core/session.rs` says. Milliseconds. */
const [PATIENCE, GRACE] = [250, 1000];

/** What waits for its turn, or has it. @type {Set<{enter: () => void, leave: () => void, offer: (record: string) => void}>} */
const turns = new Set();
let isWatching = false;

/** A page that may not go on holds up no other, and a lock would keep it out of the back/forward cache. */
const watch = () => {
  if (isWatching) return;
  isWatching = true;
  const leave = () => turns.forEach((turn) => turn.leave());
  const enter = () => turns.forEach((turn) => turn.enter());
  const document = global("document");
  listen("pagehide", leave);
  listen("pageshow", ({ persisted }) => persisted && enter());
  if (!document) return;
  listen("freeze", leave, document);
  listen("resume", enter, document);
};

/**
 * Asks a source when it is this page's turn. What other tabs hand on meanwhile is offered to the core, and if it takes that, the source
 * is not asked. Where locks are missing, fail or never come, the source is asked all the same.
 * @param {string} name of the turn; empty: there is none
 * @param {number} timeout how long the source has
 * @param {Tell} tell
 * @param {() => Asking} askSource
 * @returns {{abort: () => void}}
 */
export const askInTurn = (name, timeout, tell, askSource) => {
  /** @type {Asking | undefined} */
  let asking;
  let isOver = false;
  let leave = () => {};

  const end = () => {
    isOver = true;
    turns.delete(turn);
    leave();
  };
  const ask = () => {
    if (isOver || asking) return;
    if (tell("", true)) return end();
    asking = askSource();
    asking.outcome.then(end);
  };

  const enter = () => {
    leave();
    if (isOver || asking) return;
    const locks = name && attempt(() => global("navigator").locks);
    if (!locks) return ask();
    const { signal, abort, isNative } = abortController();
    /** @type {Set<(value?: unknown) => void>} */
    const held = new Set();
    const start = monotonicNow();
    let [isLeft, isNext, isTaken] = [false, false, false];
    /** @type {any} */
    let timer;
    /** Asks without its turn. */
    const askAlone = () => {
      if (isLeft) return;
      leave();
      ask();
    };
    const last = after(askAlone, timeout + GRACE);
    leave = () => {
      isLeft = true;
      cancel(timer);
      cancel(last);
      abort();
      held.forEach((release) => release());
    };
    /**
     * Holds a lock until it is released, at the latest when this page leaves.
     * @param {string} lock
     * @param {object} options
     * @param {(release: () => void) => void} granted
     */
    const hold = (lock, options, granted) => {
      const keep = () =>
        isLeft
          ? undefined
          : new Promise((release) => {
              held.add(release);
              granted(() => release(undefined));
            });
      if (!attempt(() => locks.request(lock, options, keep).then(undefined, askAlone) ?? true)) askAlone();
    };
    let release = () => {};
    const begin = () => {
      cancel(timer);
      cancel(last);
      release();
      // By this, others know how long they may wait, also of a page that can't be asked any more.
      hold(`${name}@${wallNow() + ANSWER + timeout}`, queued, () => {});
      if (isTaken) ask();
      else if (tell("", false)) end();
      else timer = after(ask, ANSWER);
    };
    /** Looks how long the one has who asks; the next in line takes the turn from who had it for too long. */
    const look = () => {
      attempt(() => locks.query().then(judge, () => {}));
    };
    const judge = (/** @type {any} */ found) => {
      if (isLeft || asking) return;
      const ends = attempt(() =>
        found.held.map((/** @type {any} */ lock) => Number(lock.name.split(`${name}@`)[1]) || 0),
      );
      const end = Math.max(0, ...(ends ?? []));
      const waited = monotonicNow() - start;
      // Whose time was over before this page came may have made way just now: it is looked again.
      const left = Math.max(-waited, Math.min(timeout - waited, end ? end - wallNow() : timeout));
      if (left <= -GRACE) return askAlone();
      if (left <= -PATIENCE && isNext && !isTaken) {
        isTaken = true;
        hold(name, { steal: true }, begin);
      }
      timer = after(look, left + (left > -PATIENCE ? PATIENCE : GRACE));
    };
    const queued = isNative ? { signal } : {};
    hold(`${name}:next`, queued, (releaseNext) => {
      [isNext, release] = [true, releaseNext];
      hold(name, queued, begin);
    });
    look();
    if (!isLeft && !asking && tell("", false)) end();
  };

  const turn = {
    enter,
    leave: () => leave(),
    offer: (/** @type {string} */ record) => {
      if (!isOver && !asking && tell(record, false)) end();
    },
  };
  watch();
  turns.add(turn);
  // The core has to be done with what it is doing first.
  queueMicrotask(enter);
  return {
    abort: () => {
      end();
      asking?.abort();
    },
  };
};

/**
 * What another tab says: a token that it hands on, or that it wants one.
 * @param {{scope: string, record: unknown}} said
 * @param {(scope: string) => void} asked
 */
export const hearTab = ({ scope, record }, asked) => {
  if (typeof record === "string" && record) for (const turn of [...turns]) turn.offer(record);
  else asked(scope);
};
