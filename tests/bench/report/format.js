// How figures are written.

/** @typedef {import("../support/statistics.js").Figure} Figure */

/** Three digits, or all that stand before the point. @param {number} value */
export const digits = (value) => {
  // A clock may be too coarse for what it measured.
  if (value === 0 || !Number.isFinite(value)) return String(value);
  const places = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toLocaleString("en", {
    minimumFractionDigits: Math.min(places, 2),
    maximumFractionDigits: Math.min(places, 2),
  });
};

/** The median, and the quartiles. @param {Figure} figure */
export const spread = ({ median, low, high }) => `${digits(median)} (${digits(low)}–${digits(high)})`;

/** @param {number} bytes */
export const bytes = (bytes) => `${Math.round(bytes).toLocaleString("en")} B`;

/** A table of Markdown with columns that line up. @param {string[]} head @param {string[][]} rows */
export const table = (head, rows) => {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column].length)));
  const line = (cells) => `| ${cells.map((cell, column) => cell.padEnd(widths[column])).join(" | ")} |`;
  // Names stand on the left, figures on the right.
  const rule = `|${widths.map((width, column) => (column === 0 ? "-".repeat(width + 2) : `${"-".repeat(width + 1)}:`)).join("|")}|`;
  return [line(head), rule, ...rows.map(line)].join("\n");
};
