// The head of every page: the demo's name, its pages, and what a page adds.

import { html } from "./element.js";

const PAGES = [
  ["/", "The story"],
  ["/livechat.html", "LiveChat"],
  ["/omnichannel.html", "Omnichannel"],
  ["/live-assist.html", "Live Assist"],
];

/** A page is the same one wherever it is served from. @param {string} path */
const fileOf = (path) => path.split("/").at(-1) || "index.html";

/** Fills it. @param {Node[]} added */
export const fillHeader = (...added) => {
  const links = PAGES.map(([href, name]) =>
    html("a", { href, "aria-current": fileOf(href) === fileOf(location.pathname) && "page" }, name),
  );
  document
    .querySelector("header.site")
    ?.append(
      html(
        "div",
        { class: "site-name" },
        html("h1", {}, "Custom Identity Provider"),
        html("nav", { class: "pages", "aria-label": "Pages" }, ...links),
      ),
      ...added,
    );
};
