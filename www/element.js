// Builds elements: text is always text, never HTML.

const SVG = "http://www.w3.org/2000/svg";

/**
 * Attributes by their names; one that is undefined or false is absent, and one that is true is empty.
 * @typedef {Record<string, string | number | boolean | undefined>} Attributes
 */

/**
 * What is put into an element; undefined and the empty text are left out.
 * @typedef {Node | string | undefined} Child
 */

/**
 * What a paragraph holds: a text, or a list of texts and elements.
 * @typedef {Node | string | (Node | string)[]} Paragraph
 */

/**
 * @template {Element} E
 * @param {E} element
 * @param {Attributes} attributes
 * @param {Child[]} children
 */
const fill = (element, attributes, children) => {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children) if (child !== undefined && child !== "") element.append(child);
  return element;
};

/**
 * An HTML element.
 * @template {keyof HTMLElementTagNameMap} N
 * @param {N} name
 * @param {Attributes} attributes
 * @param {Child[]} children
 */
export const html = (name, attributes = {}, ...children) => fill(document.createElement(name), attributes, children);

/**
 * An SVG element.
 * @template {keyof SVGElementTagNameMap} N
 * @param {N} name
 * @param {Attributes} attributes
 * @param {Child[]} children
 */
export const svg = (name, attributes = {}, ...children) =>
  fill(document.createElementNS(SVG, name), attributes, children);

/**
 * The element with this id, of the kind that is expected there; throws where the page has none.
 * @type {{ (id: string): HTMLElement; <E extends HTMLElement>(id: string, kind: new () => E): E }}
 */
export const byId = (/** @type {string} */ id, kind = HTMLElement) => {
  const element = document.getElementById(id);
  if (element instanceof kind) return element;
  throw new Error(`the page has no ${kind.name} with the id ${id}`);
};
