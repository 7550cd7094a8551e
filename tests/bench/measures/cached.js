// The cached answer: everybody's token is in hand, and is asked for again.

/** Rounds that fit into one call of a page's code, by any driver's patience. */
const AT_ONCE = 20;

/** @typedef {(code: (...given: any[]) => unknown, ...given: unknown[]) => Promise<any>} Run code in the page with all contenders */

/**
 * Gets everybody's token.
 * @param {Run} run
 * @param {string[]} [names] of those to be compared, where not all are
 */
export const prepare = (run, names) => run((names) => globalThis.cached.prepare(names ?? undefined), names ?? null);

/**
 * @param {Run} run
 * @param {"burst" | "single"} kind calls at once after another; or single ones
 * @param {number} rounds
 * @returns {Promise<Record<string, number>[]>} nanoseconds per call, by contender
 */
export const cachedAnswers = async (run, kind, rounds) => {
  const found = [];
  while (found.length < rounds)
    found.push(...(await run(([kind, count]) => globalThis.cached.compare(kind, count), [kind, AT_ONCE])));
  return found;
};
