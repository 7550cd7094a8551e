// @ts-check
// What each widget's own file says about it. With that, options are read, sources asked and handles made for any widget.

/** @typedef {import("../index.js").WidgetName} WidgetName */
/**
 * What a widget wants of its source, as `Kind` in `src/core/credential.rs`: a token of LiveChat's, a JWT, or a code for one redemption.
 * @typedef {"token" | "jwt" | "code"} Wanted
 */
/**
 * @typedef {object} Widget
 * @property {WidgetName} name
 * @property {number} number the core's, of `Widget::ALL` in `src/core/widget.rs`
 * @property {(own: any) => Wanted} wanted by its own options
 * @property {Record<string, import("./options.js").Kind>} own its own options
 * @property {(options: import("./options.js").ReadOptions) => void} [complete] adds what the page says elsewhere
 */

/** A widget with more options, which only some of its functions take. @param {Widget} widget @param {Widget["own"]} own @returns {Widget} */
export const withOptions = (widget, own) => ({ ...widget, own: { ...widget.own, ...own } });
