// The chart: a picture of the report's main figures, readable on light and on dark pages.

/** @typedef {{name: string, isOurs: boolean, median: number, low: number, high: number, label: string}} Row */
/** @typedef {{title: string, subtitle: string, isLogarithmic?: boolean, rows: Row[]}} Panel */

const WIDTH = 900;
const MARGIN = 24;
const GAP = 36;
const NAMES = 176;
const LABEL = 74;
const LINE = 24;
const HEAD = 58;
const BAR = 12;

const STYLE = `
  .page { fill: #ffffff } .title { fill: #1f2328; font-weight: 600; font-size: 15px } .subtitle { fill: #59636e; font-size: 12px }
  .name, .label { fill: #1f2328; font-size: 12px } .ours { font-weight: 600 }
  .bar { fill: #a7b0ba } .bar.ours { fill: #2f72d6 } .whisker { stroke: #1f2328; stroke-width: 1.2 } .guide { stroke: #d1d9e0; stroke-width: 1 }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117 } .title, .name, .label { fill: #e6edf3 } .subtitle { fill: #9198a1 }
    .bar { fill: #5d6671 } .bar.ours { fill: #4a90f0 } .whisker { stroke: #e6edf3 } .guide { stroke: #3d444d }
  }`;

const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
const text = (kind, x, y, words, anchor = "start") =>
  `<text class="${kind}" x="${x}" y="${y}" text-anchor="${anchor}">${escaped(words)}</text>`;
const line = (kind, x1, y1, x2, y2) => `<line class="${kind}" x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}"/>`;
const round = (number) => Math.round(number * 10) / 10;

/** @param {Panel} panel @param {number} left @param {number} top @param {number} width */
const drawn = ({ title, subtitle, isLogarithmic, rows }, left, top, width) => {
  const from = left + NAMES;
  const room = width - NAMES - LABEL;
  const most = Math.max(...rows.map(({ high }) => high)) || 1;
  const least = isLogarithmic ? Math.min(...rows.map(({ low }) => low)) / 1.6 : 0;
  const at = (value) =>
    round(from + room * (isLogarithmic ? Math.log(value / least) / Math.log(most / least) : value / most));
  const marks = [text("title", left, top + 16, title), text("subtitle", left, top + 34, subtitle)];
  const bottom = top + HEAD + rows.length * LINE;
  if (isLogarithmic && least < 1) marks.push(line("guide", at(1), top + HEAD - 12, at(1), bottom - 6));
  rows.forEach(({ name, isOurs, median, low, high, label }, index) => {
    const y = top + HEAD + index * LINE;
    const ours = isOurs ? " ours" : "";
    marks.push(text(`name${ours}`, from - 10, y + 4, name, "end"));
    if (isLogarithmic) {
      marks.push(
        line("guide", from, y, at(median), y),
        `<circle class="bar${ours}" cx="${at(median)}" cy="${y}" r="5.5"/>`,
      );
    } else {
      const long = Math.max(1, round(at(median) - from));
      marks.push(`<rect class="bar${ours}" x="${from}" y="${y - BAR / 2}" width="${long}" height="${BAR}" rx="1.5"/>`);
    }
    if (high > low) marks.push(line("whisker", at(low), y, at(high), y));
    marks.push(text(`label${ours}`, Math.max(at(high), at(median)) + 9, y + 4, label));
  });
  return { marks, height: bottom - top };
};

/** @param {Panel[]} panels @param {string} description for who does not see it */
export const chart = (panels, description) => {
  const width = (WIDTH - 2 * MARGIN - GAP) / 2;
  const marks = [];
  let top = MARGIN;
  for (let index = 0; index < panels.length; index += 2) {
    const pair = panels
      .slice(index, index + 2)
      .map((panel, side) => drawn(panel, MARGIN + side * (width + GAP), top, width));
    marks.push(...pair.flatMap((panel) => panel.marks));
    top += Math.max(...pair.map(({ height }) => height)) + MARGIN;
  }
  marks.push(
    text(
      "subtitle",
      MARGIN,
      top + 2,
      "Shorter is better. Half of what was measured lies within the line at a bar's end.",
    ),
  );
  top += MARGIN;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${top}" width="${WIDTH}" height="${top}" role="img" font-family="system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif">
<title>${escaped(description)}</title>
<style>${STYLE}
</style>
<rect class="page" width="${WIDTH}" height="${top}" rx="6"/>
${marks.join("\n")}
</svg>
`;
};
