// The site itself: who is signed in. The session is an HttpOnly cookie; this page never sees it and asks instead.

/** One of the site's customers. @typedef {{ id: string, name: string }} Customer */

/**
 * What the page has to know of LiveChat; `standInUrl` is null with LiveChat itself.
 * @typedef {object} LiveChat
 * @property {number | null} licenseId
 * @property {string | null} organizationId
 * @property {string} clientId
 * @property {string} accountsUrl
 * @property {boolean} real
 * @property {string | null} standInUrl
 */

/**
 * Where the shop is open on one of the story's devices.
 * @typedef {{ id: string, name: string, port: number }} DeviceAddress
 */

/**
 * What the site tells: who is signed in, and what its pages have to know.
 * @typedef {object} Session
 * @property {Customer | null} customer
 * @property {Customer[]} customers
 * @property {LiveChat} livechat
 * @property {{ issuer: string, shortLifetime: number }} jsonWebTokens
 * @property {DeviceAddress[]} devices
 */

/** How tabs of this site tell each other that the session changes: the cookie is theirs together. */
const channel = new BroadcastChannel("site-session");

/** @param {string} path @param {object} [body] */
const ask = async (path, body) => {
  const response = await fetch(path, {
    method: body === undefined ? "GET" : "POST",
    headers: body === undefined ? {} : { "content-type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
    credentials: "same-origin",
    cache: "no-store",
  });
  if (!response.ok) throw new Error(`the site answered ${response.status} to ${path}`);
  return response;
};

/** @returns {Promise<Session>} */
export const readSession = async () => (await ask("/site/session")).json();

/** Starts a session for one of the site's customers. @param {string} customer */
export const signIn = async (customer) => {
  channel.postMessage("changing");
  try {
    await ask("/site/sign-in", { customer });
  } finally {
    channel.postMessage("changed");
  }
};

/** Ends the session. */
export const signOut = async () => {
  channel.postMessage("changing");
  try {
    await ask("/site/sign-out", {});
  } finally {
    channel.postMessage("changed");
  }
};

/**
 * Tells of sessions that another tab changes.
 * @param {(what: "changing" | "changed") => void} listener before and after
 */
export const onSessionOfOtherTab = (listener) => {
  channel.addEventListener("message", (event) => listener(event.data));
};
