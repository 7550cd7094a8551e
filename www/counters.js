// What the calls cost: how many were made, how many requests the page sent for them, and how many reached LiveChat.

import { byId, html } from "./element.js";

/**
 * What the stand-in counts, as far as it is shown.
 * @typedef {Pick<import("./livechat_stand_in.js").State, "customers" | "tokens_issued">} Accounts
 */

const counted = { calls: 0, requests: 0 };
/** @type {Accounts | null} */
let accounts = null;
/**
 * LiveChat's accounts counted this many before this page was opened; undefined until it is known.
 * @type {number | undefined}
 */
let before;

const show = () => {
  const { calls, requests } = counted;
  const rows = [
    ["calls for a token", calls],
    ["requests sent", requests],
    ["calls that cost nothing", calls > 0 ? `${Math.max(0, Math.round((1 - requests / calls) * 100))} %` : "–"],
    ...(accounts
      ? [
          ["tokens LiveChat issued", Math.max(0, accounts.tokens_issued - (before ?? 0))],
          ["customers at LiveChat", accounts.customers],
        ]
      : []),
  ];
  byId("counters").replaceChildren(
    ...rows.map(([name, value]) =>
      html("div", { "data-counter": name }, html("dt", {}, String(name)), html("dd", {}, String(value))),
    ),
  );
};

/** Counts an event of the package. @param {import("../pkg/index.js").IdentityEvent} event */
export const count = (event) => {
  if (event.type === "call" && /Token$/.test(event.method) && event.method !== "hasToken") counted.calls += 1;
  else if (event.type === "request_began" || event.type === "request_retrying") counted.requests += 1;
  else return;
  show();
};

/** Takes over what the stand-in counts; null where there is none. @param {Accounts | null} state */
export const showAccounts = (state) => {
  if (state) before ??= state.tokens_issued;
  accounts = state;
  show();
};
