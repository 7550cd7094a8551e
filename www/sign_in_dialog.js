// Asks the person to sign in, as the site's own dialog: what Live Assist's document calls "according to the brand's standards".

import { allCustomers, becomeCustomer, currentCustomer } from "./customers.js";
import { byId, html } from "./element.js";

/** Settles the question that is open. @type {((isSignedIn: boolean) => void) | null} */
let settle = null;

/** @param {boolean} isSignedIn */
const close = (isSignedIn) => {
  settle?.(isSignedIn);
  settle = null;
  byId("sign-in", HTMLDialogElement).close();
};

/** @param {string} id */
const choose = async (id) => {
  for (const button of byId("sign-in").querySelectorAll("button")) button.disabled = true;
  await becomeCustomer(id);
  close(currentCustomer() === id);
};

/**
 * Opens the dialog; answers whether somebody is signed in now. The package's option `signIn`.
 * @param {{ readonly signal: AbortSignal }} request
 * @returns {Promise<boolean>}
 */
export const askToSignIn = ({ signal }) =>
  new Promise((resolve) => {
    settle = resolve;
    byId("sign-in-customers").replaceChildren(
      ...allCustomers().map(({ id, name }) => {
        const button = html("button", { type: "button" }, name);
        button.addEventListener("click", () => void choose(id));
        return button;
      }),
    );
    byId("sign-in-decline", HTMLButtonElement).disabled = false;
    byId("sign-in", HTMLDialogElement).showModal();
    signal.addEventListener("abort", () => close(false), { once: true });
  });

/** Somebody may have signed in elsewhere meanwhile: then there is nothing to ask any more. */
export const noticeCustomer = () => {
  if (settle && currentCustomer() !== null) close(true);
};

/** Lets the dialog be declined, also by the Escape key. */
export const listenToDialog = () => {
  byId("sign-in-decline").addEventListener("click", () => close(false));
  byId("sign-in").addEventListener("cancel", () => close(false));
};
