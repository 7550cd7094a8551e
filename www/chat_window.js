// The chat window of a stand-in: how it stands, what was said, and what the agent knows of the customer.

import { byId, html } from "./element.js";
import { fillPanel } from "./panel.js";

/** Fills the panel: whose chat it is, its buttons by their ids, and what can be done at first. */
export const fillChat = ({ whose, buttons, hint }) =>
  fillPanel(
    "chat",
    `${whose} chat, a stand-in`,
    html("p", { id: "chat-state", class: "tag" }, "no chat"),
    html(
      "div",
      { class: "buttons" },
      ...Object.entries(buttons).map(([id, name], index) =>
        html("button", { id, class: index === 0 && "primary", type: "button", disabled: true }, String(name)),
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

/** How the chat stands, in a word or two; `isGood` when the customer is authenticated, false when that failed. */
export const showState = (text, isGood = /** @type {boolean | undefined} */ (undefined)) => {
  byId("chat-state").textContent = text;
  byId("chat-state").classList.toggle("yes", isGood === true);
  byId("chat-state").classList.toggle("no", isGood === false);
};

/** Adds a line to the conversation; `from` is `"agent"` or `"system"`. */
export const say = (from, text) => {
  const conversation = byId("conversation");
  conversation.append(
    html("p", { class: from }, ...(from === "agent" ? [html("strong", {}, "Agent"), ` ${text}`] : [text])),
  );
  conversation.scrollTop = conversation.scrollHeight;
};

/** What the agent sees of the customer: pairs of names and values; null when there is no customer. */
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
