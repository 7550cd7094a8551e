// A life as a draining bar, in words too.

import { byId, html } from "./element.js";
import { remaining } from "./duration.js";

let drawn = 0;

/** The bar and its words, for the panel of a token. */
export const lifeBar = () => [
  html(
    "div",
    {
      id: "life",
      class: "life",
      role: "progressbar",
      "aria-labelledby": "life-label",
      "aria-valuemin": "0",
      "aria-valuemax": "100",
      "aria-valuenow": "0",
      "aria-valuetext": "no token",
    },
    html("div", { id: "life-left", class: "life-left" }),
  ),
  html(
    "p",
    { class: "life-text" },
    html("span", { id: "life-label" }, "Remaining life"),
    html("span", { id: "life-text" }, "no token"),
  ),
];

/**
 * Draws what is `left` of the `whole`, in milliseconds; `nothing` is said where there is no life to draw.
 * @param {{ left: number, whole: number } | false | null | undefined} life
 * @param {string} nothing
 */
export const drawLife = (life, nothing) => {
  const bar = byId("life");
  const left = life ? Math.max(0, life.left) : 0;
  const share = life && life.whole > 0 ? Math.min(1, left / life.whole) : 0;
  const text = !life ? nothing : left > 0 ? `${remaining(left)} of ${remaining(life.whole)}` : "expired";
  // A new life is there at once: only what drains moves.
  byId("life-left").classList.toggle("new", share > drawn);
  drawn = share;
  byId("life-left").style.transform = `scaleX(${share})`;
  bar.classList.toggle("ending", Boolean(life) && share < 0.25);
  // Only what changed is written: a screen reader on the bar hears nothing twice.
  const percent = String(Math.round(share * 100));
  if (bar.getAttribute("aria-valuenow") !== percent) bar.setAttribute("aria-valuenow", percent);
  if (byId("life-text").textContent !== text) {
    bar.setAttribute("aria-valuetext", text);
    byId("life-text").textContent = text;
  }
};
