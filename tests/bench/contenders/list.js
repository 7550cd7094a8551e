// Who is measured: the package, and what else keeps a token for a page.

/**
 * @typedef {object} Contender
 * @property {string} id the name of its module in this folder
 * @property {string} name as npm has it, or what it is
 * @property {boolean} [needsSignIn] whether it gets tokens only for who signed in through it
 */

/** The one that ratios are taken to where they are not taken to LiveChat's own. */
export const BARE = "bare";
/** LiveChat's own, which the package takes the place of. */
export const LIVECHATS_OWN = "customer_auth";
export const OURS = "ours";

/** @type {Contender[]} */
export const contenders = [
  { id: OURS, name: "custom-identity-provider" },
  { id: LIVECHATS_OWN, name: "@livechat/customer-auth" },
  { id: "oidc_client", name: "oidc-client-ts", needsSignIn: true },
  { id: "supabase", name: "@supabase/auth-js", needsSignIn: true },
  { id: "auth0", name: "@auth0/auth0-spa-js", needsSignIn: true },
  { id: BARE, name: "a bare promise with an expiry check" },
];
