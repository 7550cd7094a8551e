// The cached answer: everybody's token is in hand, and is asked for again.

/** Rounds that fit into one call of a page's code, by any driver's patience. */
const AT_ONCE = 20;

/**
 * @param {(code: Function | string, ...given: unknown[]) => Promise<any>} run code in the page with all contenders
 * @param {number} rounds
 * @param {string[]} [names] of those to be compared, where not all are
 * @returns {Promise<Record<string, number>[]>} microseconds per call, by contender
 */
export const cachedAnswers = async (run, rounds, names) => {
  await run((names) => globalThis.cached.prepare(names ?? undefined), names ?? null);
  const found = [];
  while (found.length < rounds) found.push(...(await run((count) => globalThis.cached.compare(count), AT_ONCE)));
  return found;
};
