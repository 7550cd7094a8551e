// Builds the panels that several pages show: a page says where they stand, and each panel's own module what is in it.

import { html } from "./element.js";

/**
 * Fills the page's panel of this name; `beside` stands beside its heading.
 * @param {string} name
 * @param {string} heading
 * @param {Node | undefined} beside
 * @param {Node[]} content
 */
export const fillPanel = (name, heading, beside, ...content) => {
  const panel = document.querySelector(`section.${name}`);
  if (panel === null) throw new Error(`the page has no panel ${name}`);
  const title = html("h2", { id: `${name}-heading` }, heading);
  panel.append(beside ? html("div", { class: "panel-head" }, title, beside) : title, ...content);
};

/**
 * A radio button with its words, and an explanation in small ones.
 * @param {string} name
 * @param {string} value
 * @param {boolean} isChecked
 * @param {string} words
 * @param {string | (Node | string)[]} explanation
 */
export const radio = (name, value, isChecked, words, explanation = "") =>
  html(
    "label",
    {},
    html("input", { type: "radio", name, value, checked: isChecked }),
    html("span", {}, words, ...(explanation === "" ? [] : [" ", html("small", {}, ...[explanation].flat())])),
  );
