// The page of docs/ and its chart.

import { cpus, totalmem, type } from "node:os";
import { contenders, LIVECHATS_OWN, OURS } from "../contenders/list.js";
import { compared, figure } from "../support/statistics.js";
import { chart } from "./chart.js";
import { digits } from "./format.js";
import { NAMES } from "./sections.js";

/** What was measured on. @param {Record<string, string>} browsers their versions by name */
export const machine = (browsers) => {
  const [{ model }] = cpus();
  const versions = Object.entries(browsers).map(([name, version]) => `${name} ${version}`);
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${type()}, ${cpus().length} cores (${model.trim()}), ${memory} GiB; ${versions.join(", ")}, headless`;
};

/** Short names, for the chart. */
const SHORT = { [OURS]: "this package", bare: "bare promise", supabase: "supabase auth-js" };
const short = (id) => SHORT[id] ?? NAMES[id].replace(/^@[a-z0-9]+\//, "");

/** @param {Record<string, import("../support/statistics.js").Figure>} figures @param {(median: number) => string} label */
const rows = (figures, label) =>
  Object.entries(figures)
    .map(([id, { median, low, high }]) => ({
      name: short(id),
      isOurs: id.startsWith(OURS),
      median,
      low,
      high,
      label: label(median),
    }))
    .sort((one, other) => one.median - other.median);

/** One number that was counted and not measured. @param {number} value */
const counted = (value) => figure([value]);

/**
 * @param {object} results
 * @param {import("./sections.js").Cached[]} results.cached
 * @param {Record<string, import("../measures/first_token.js").Visit>[]} results.slow visits with a slow processor
 * @param {Record<string, import("../measures/first_token.js").Visit>[]} results.network visits over a slow network
 * @param {Record<string, {start: number, total: number}>} results.weights
 * @param {{name: string, id: string, atOnce: number, inAll: number}[]} results.requests
 */
export const picture = ({ cached, slow, network, weights, requests }) => {
  const ids = contenders.map(({ id }) => id);
  /** @param {string} title @param {"burst" | "single"} wanted */
  const answers = (title, wanted) => {
    const [{ browser, rounds }] = cached.filter(({ kind }) => kind === wanted);
    const found = compared(rounds, LIVECHATS_OWN);
    return {
      title,
      subtitle: `times as long as customer-auth's, in ${browser}; logarithmic`,
      isLogarithmic: true,
      rows: rows(Object.fromEntries(ids.map((id) => [id, found[id].ratio])), (median) => `${digits(median)} ×`),
    };
  };
  const panels = [
    answers("Cached answers in a burst", "burst"),
    answers("Single cached answers", "single"),
    {
      title: "JavaScript at the page's start",
      subtitle: "KB after gzip, beyond the page without a library",
      rows: rows(Object.fromEntries(ids.map((id) => [id, counted(weights[id].start)])), (median) =>
        digits(median / 1000),
      ),
    },
    {
      title: "Main-thread time until the first token",
      subtitle: "ms, on a processor slowed down four times",
      rows: rows(Object.fromEntries(ids.map((id) => [id, figure(slow.map((round) => round[id].busy ?? NaN))])), digits),
    },
    {
      title: "From navigation to first token",
      subtitle: "s, on a network of 1.4 Mbit/s and 560 ms",
      rows: rows(
        Object.fromEntries(ids.map((id) => [id, figure(network.map((round) => round[id].navigation / 1000))])),
        digits,
      ),
    },
    {
      title: "Requests of ten tabs",
      subtitle: "a hundred loads, twenty calls each; one token lives for all",
      rows: requests
        .map(({ id, isSharing, inAll }) => ({
          name: isSharing ? 'with tabs: "share"' : short(id),
          isOurs: id === OURS,
          label: String(inAll),
          ...counted(inAll),
        }))
        .sort((one, other) => one.median - other.median),
    },
  ];
  return chart(
    panels,
    "This package beside five others: cached answers, bytes, main-thread time and requests; the numbers are in the tables.",
  );
};

/**
 * @param {string} measuredOn
 * @param {{title: string, text: string, tables: string[]}[]} sections
 * @param {string} sentence what cached answers cost
 */
export const document = (measuredOn, sections, sentence) => `# Benchmark

What the package costs a page, beside others that keep a token for one. ${sentence}

![Cached answers, bytes at the page's start, main-thread time and requests of each contender; the tables below have the numbers](benchmark.svg)

\`cargo xtask bench browser\` measured this and wrote this page. Run it on your own machine: the times will differ, the ratios should not.

- **Machine**: ${measuredOn}.
- **Contenders**: each as its own documentation sets it up, with its storage in the browser. All run in one run and take turns. Every server is a stand-in on the same machine.
- **Figures**: a figure is a median. In brackets are the quartiles: half of what was measured lies between them. A ratio is taken within each round, so that what slows the
  machine for a while slows both sides of it.

${sections.map(({ title, text, tables }) => `## ${title}\n\n${text}\n\n${tables.join("\n\n")}\n`).join("\n")}`;
