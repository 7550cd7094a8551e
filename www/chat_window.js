// The chat window of a stand-in: how it stands, what was said, and what the agent knows of the customer.

import { byId, html } from "./element.js";

/** How the chat stands, in a word or two; `isGood` when the customer is authenticated, false when that failed. */
export const showState = (text, isGood = /** @type {boolean | undefined} */ (undefined)) => {
  byId("chat-state").textContent = text;
  byId("chat-state").classList.toggle("yes", isGood === true);
  byId("chat-state").classList.toggle("no", isGood === false);
};

/** Adds a line to the conversation; `from` is `"agent"` or `"system"`. */
export const say = (from, text) => {
  const conversation = byId("conversation");
  conversation.append(html("p", { class: from }, ...(from === "agent" ? [html("strong", {}, "Agent"), ` ${text}`] : [text])));
  conversation.scrollTop = conversation.scrollHeight;
};

/** What the agent sees of the customer: pairs of names and values; null when there is no customer. */
export const showCustomer = (rows) =>
  byId("agent").replaceChildren(
    ...(rows ?? [["contact", "–"]]).flatMap(([name, value]) => [html("dt", {}, name), html("dd", { "data-agent": name }, String(value))]),
  );

/** An empty window. */
export const clearChat = () => {
  byId("conversation").replaceChildren();
  showCustomer(null);
};
