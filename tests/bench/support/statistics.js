// Medians, and how far the middle half of what was measured lies apart.

/** @typedef {{median: number, low: number, high: number, count: number}} Figure the quartiles: half of all lie between low and high */

const quantile = (sorted, part) => {
  const at = (sorted.length - 1) * part;
  const [below, above] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  return below + (above - below) * (at - Math.floor(at));
};

/** @param {number[]} values @returns {Figure} */
export const figure = (values) => {
  const sorted = [...values].sort((one, other) => one - other);
  return {
    median: quantile(sorted, 0.5),
    low: quantile(sorted, 0.25),
    high: quantile(sorted, 0.75),
    count: sorted.length,
  };
};

/**
 * Each name's figure, and its ratio to another one's in the same round: what slows the machine for a while slows both.
 * @param {Record<string, number>[]} rounds
 * @param {string} reference
 * @returns {Record<string, {value: Figure, ratio: Figure}>}
 */
export const compared = (rounds, reference) =>
  Object.fromEntries(
    Object.keys(rounds[0]).map((name) => [
      name,
      {
        value: figure(rounds.map((round) => round[name])),
        // Where a browser's clock is too coarse for the reference, a round has no ratio.
        ratio: figure(rounds.filter((round) => round[reference] > 0).map((round) => round[name] / round[reference])),
      },
    ]),
  );

/** In another order each time. @template T @param {T[]} list @returns {T[]} */
export const shuffled = (list) => {
  const rest = [...list];
  return list.map(() => rest.splice(Math.floor(Math.random() * rest.length), 1)[0]);
};
