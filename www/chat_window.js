// The chat window of a stand-in: how it stands, what was said, and what the agent knows of the customer.

import { byId, html } from "./element.js";
import { fillPanel } from "./panel.js";

/**
 * Whose chat it is, its buttons by their ids, and what can be done at first.
 * @typedef {{ whose: string, buttons: Record<string, string>, hint: string }} Chat
 */

/** Fills the panel. @param {Chat} chat */
export const fillChat = ({ whose, buttons, hint }) =>
  fillPanel(
    "chat",
    `${whose} chat, a stand-in`,
    html("p", { id: "chat-state", class: "tag" }, "no chat"),
    html(
      "div",
      { class: "buttons" },
      ...Object.entries(buttons).map(([id, name], index) =>
        html("button", { id, class: index === 0 && "primary", type: "button", disabled: true }, name),
      ),
    ),
    html("div", { id: "outcome", class: "outcome", role: "status", "aria-atomic": "true" }, html("p", {}, hint)),
    html(
      "div",
      { class: "window" },
      html("div", {
        id: "conversation",
        class: "conversation",
        role: "log",
        "aria-label": "Conversation",
        tabindex: "0",
      }),
      html(
        "section",
        { class: "agent", "aria-labelledby": "agent-heading" },
        html("h3", { id: "agent-heading" }, "What the agent sees"),
        html("dl", { id: "agent", class: "fields" }),
      ),
    ),
  );

/**
 * How the chat stands, in a word or two; `isGood` when the customer is authenticated, false when that failed.
 * @param {string} text
 * @param {boolean} [isGood]
 */
export const showState = (text, isGood) => {
  byId("chat-state").textContent = text;
  byId("chat-state").classList.toggle("yes", isGood === true);
  byId("chat-state").classList.toggle("no", isGood === false);
};

/** Adds a line to the conversation. @param {"agent" | "system"} from @param {string} text */
export const say = (from, text) => {
  const conversation = byId("conversation");
  conversation.append(
    html("p", { class: from }, ...(from === "agent" ? [html("strong", {}, "Agent"), ` ${text}`] : [text])),
  );
  conversation.scrollTop = conversation.scrollHeight;
};

/** Names and values of what is known of a customer. @typedef {[string, unknown][]} CustomerRows */

/** What the agent sees of the customer; null when there is none. @param {CustomerRows | null} rows */
export const showCustomer = (rows) =>
  byId("agent").replaceChildren(
    ...(rows ?? [["contact", "–"]]).flatMap(([name, value]) => [
      html("dt", {}, name),
      html("dd", { "data-agent": name }, String(value)),
    ]),
  );

/** An empty window. */
export const clearChat = () => {
  byId("conversation").replaceChildren();
  showCustomer(null);
};
