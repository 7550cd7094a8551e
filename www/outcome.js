// What the latest call came to, said on the page: a sentence, or an error with what to do about it.

import { adviceFor } from "./advice.js";
import { duration } from "./duration.js";
import { byId, html } from "./element.js";

/** Says it in paragraphs. @param {boolean} isBad @param {import("./element.js").Paragraph[]} paragraphs */
export const tell = (isBad, ...paragraphs) => {
  byId("outcome").classList.toggle("bad", isBad);
  byId("outcome").replaceChildren(...paragraphs.map((parts) => html("p", {}, ...[parts].flat())));
};

/** Whether an error stands there. */
export const tellsError = () => byId("outcome").classList.contains("bad");

/** Says what failed, how, and what helps. @param {string} subject @param {any} error whatever was thrown */
export const tellError = (subject, error) => {
  const details = [
    error?.status && `status ${error.status}`,
    error?.retryAfter && `come back in ${duration(error.retryAfter)}`,
    error?.retryable !== undefined && (error.retryable ? "may pass by itself" : "will not pass by itself"),
    error?.code === "COOLING_DOWN" && error.cause?.code && `after ${error.cause.code}`,
  ].filter(Boolean);
  tell(
    true,
    [`${subject} failed: `, html("strong", {}, error?.code ?? error?.name ?? "Error"), ` – ${error?.message ?? error}`],
    adviceFor(error),
    details.length > 0 ? html("small", {}, `${details.join(", ")}.`) : "",
  );
};
