// A device of the story: a frame with the shop in it, which is told what to do and tells what is seen.

import { html } from "./element.js";

/** A shop that has not opened by then does not. */
const OPENING = 20_000;
/** What a person does in the shop is seen within this. */
const PATIENCE = 45_000;

/** @typedef {import("./shop_remote.js").Seen} Seen */

/** @typedef {ReturnType<typeof makeDevice>} Device */

/** The device at an address that the site has told. @param {import("./site.js").DeviceAddress} address */
export const makeDevice = ({ id, name, port }) => {
  // By the name that this page has, so that it is the same site, whose cookies go along.
  const origin = `${location.protocol}//${location.hostname}:${port}`;
  const known = html("span", { class: "known" }, "");
  const frame = html("iframe", { title: `${name}: the shop` });
  const inside = html("div", { class: "case" }, frame);
  const figure = html(
    "figure",
    { class: `device ${id}`, id: `device-${id}` },
    inside,
    html("figcaption", {}, html("strong", {}, name), known),
  );
  /** Hear how their command ended, by its number. @type {Map<number, (answer: { failure: string | null }) => void>} */
  const waiting = new Map();
  /** @type {Set<() => void>} */
  const watching = new Set();
  let number = 0;
  /** Nobody looks before the device has opened. @type {Seen} */
  let seen;

  /** @param {Seen} now */
  const look = (now) => {
    seen = now;
    const who = now.customer === "nobody" ? "guest" : "customer";
    known.textContent = now.entity ? `LiveChat sees the ${who} ${now.entity.slice(0, 8)}` : "";
    for (const watch of watching) watch();
  };

  /**
   * What is seen when that was done.
   * @param {import("./shop_remote.js").Command} command
   * @param {Partial<import("./shop_remote.js").Given>} given
   * @returns {Promise<Seen>}
   */
  const tell = (command, given = {}) =>
    new Promise((resolve, reject) => {
      number += 1;
      waiting.set(number, ({ failure }) => (failure === null ? resolve(seen) : reject(new Error(failure))));
      frame.contentWindow?.postMessage({ command, number, ...given }, origin);
    });

  /** @type {Promise<Seen>} */
  const opened = new Promise((resolve, reject) => {
    const impatience = setTimeout(() => {
      inside.replaceChildren(
        html(
          "div",
          { class: "absent" },
          html("p", {}, "This device did not open its shop."),
          html(
            "p",
            {},
            "It is served from ",
            html("a", { href: `${origin}/shop.html`, target: "_blank", rel: "noopener" }, origin),
            ": open that address in a tab to see why, and let nothing on the way block it.",
          ),
          html("p", {}, "On another machine than the demo’s, let this port through too; then reload."),
        ),
      );
      reject(new Error(`${name} did not open`));
    }, OPENING);
    addEventListener("message", ({ source, origin: from, data }) => {
      if (source !== frame.contentWindow || from !== origin) return;
      if (data.shop === "ready") {
        clearTimeout(impatience);
        // Also after a reload by hand: from now on the frame knows whom to tell.
        tell("look").then(resolve, reject);
      } else if (data.shop === "seen") look(data.seen);
      else if (data.shop === "done") {
        look(data.seen);
        waiting.get(data.number)?.(data);
        waiting.delete(data.number);
      }
    });
    frame.src = `${origin}/shop.html`;
  });

  return {
    id,
    name,
    figure,
    opened,
    tell,
    /** What is seen now. */
    seen: () => seen,
    /**
     * Waits until something is seen; `what` says what, for whoever has waited in vain.
     * @param {(seen: Seen) => boolean} isSeen
     * @param {string} what
     * @param {AbortSignal} signal
     * @returns {Promise<Seen>}
     */
    until: (isSeen, what, signal) =>
      new Promise((resolve, reject) => {
        /** @template T @param {(value: T) => void} settle @param {T} value */
        const finish = (settle, value) => {
          watching.delete(watch);
          clearTimeout(impatience);
          signal.removeEventListener("abort", stop);
          settle(value);
        };
        const watch = () => {
          if (isSeen(seen)) finish(resolve, seen);
        };
        const stop = () => finish(reject, signal.reason);
        const impatience = setTimeout(() => finish(reject, new Error(`${name}: ${what} was not seen`)), PATIENCE);
        signal.addEventListener("abort", stop);
        watching.add(watch);
        if (signal.aborted) stop();
        else watch();
      }),
    /** Brings it before the eyes where not all devices fit. @param {boolean} isCurrent */
    show: (isCurrent) => {
      figure.classList.toggle("current", isCurrent);
      const row = figure.parentElement;
      if (!isCurrent || row === null) return;
      const behavior = matchMedia("(prefers-reduced-motion: reduce)").matches ? "instant" : "smooth";
      row.scrollTo({ left: figure.offsetLeft - row.offsetLeft - (row.clientWidth - figure.offsetWidth) / 2, behavior });
    },
  };
};
