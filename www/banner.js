// The banner: why the page or the package cannot run at all.

import { adviceFor } from "./advice.js";
import { byId, html } from "./element.js";

/**
 * The first reason stands: what follows is most often its consequence.
 * @param {import("./element.js").Paragraph[]} paragraphs
 */
export const showBanner = (...paragraphs) => {
  const banner = byId("banner");
  if (banner.hidden) banner.replaceChildren(...paragraphs.map((parts) => html("p", {}, ...[parts].flat())));
  banner.hidden = false;
};

/** Where the package can't run, says why; other errors are not its subject. @param {any} thrown whatever was thrown */
export const showBlocked = (thrown) => {
  const error = thrown?.code === "COOLING_DOWN" ? thrown.cause : thrown;
  if (!["WASM_BLOCKED", "WASM_MISSING", "WASM_TRAPPED"].includes(error?.code)) return;
  showBanner([html("strong", {}, error.code), ` – ${error.message}.`], adviceFor(error));
};
