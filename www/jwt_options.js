// The options that the pages of Omnichannel and Live Assist offer: where the token comes from, how long it is kept, and the call as code.

import { html } from "./element.js";
import { fillPanel, radio } from "./panel.js";

/**
 * What is wrong with a tampered source's answers, and what else there is to say of caching.
 * @typedef {{ tampered: string, cacheNote?: string }} Options
 */

/** Fills the panel. @param {Options} options */
export const fillOptions = ({ tampered, cacheNote }) =>
  fillPanel(
    "options",
    "Options",
    undefined,
    html(
      "fieldset",
      { id: "source", class: "list" },
      html("legend", {}, "Source"),
      radio("source", "service", true, "Own service", "tokens live an hour"),
      radio("source", "short", false, "Short lives", [
        "the same service, tokens of ",
        html("span", { id: "short-lifetime" }, "20"),
        " s",
      ]),
      radio("source", "silent", false, "Silent", "never answers"),
      radio("source", "down", false, "Down", "answers 503"),
      radio("source", "tampered", false, "Tampered", tampered),
    ),
    html(
      "fieldset",
      { id: "cache", class: "list" },
      html(
        "legend",
        {},
        "Caching",
        ...(cacheNote ? [" ", html("small", { id: "cache-note", hidden: true }, cacheNote)] : []),
      ),
      radio("cache", "memory", true, "Memory", "until the page is left"),
      radio("cache", "session", false, "Session", "survives a reload, in sessionStorage"),
      radio("cache", "none", false, "None", "every call asks the source"),
    ),
    html(
      "p",
      { class: "field" },
      html("label", { for: "margin" }, "Margin before a token’s end"),
      " ",
      html(
        "select",
        { id: "margin" },
        html("option", { value: "", selected: true }, "the default"),
        html("option", { value: "1000" }, "1 s"),
        html("option", { value: "10000" }, "10 s"),
        html("option", { value: "60000" }, "60 s"),
      ),
    ),
    html("h3", { id: "snippet-heading" }, "As the page would write it"),
    html(
      "div",
      { class: "scroll", role: "region", "aria-labelledby": "snippet-heading", tabindex: "0" },
      html("pre", { id: "snippet" }),
    ),
  );
