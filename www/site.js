// The site itself: who is signed in. The session is an HttpOnly cookie; this page never sees it and asks instead.

/** How tabs of this site tell each other that the session changes: the cookie is theirs together. */
const channel = new BroadcastChannel("site-session");

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

/** `{customer, customers, livechat}` as the site tells it. */
export const readSession = async () => (await ask("/site/session")).json();

/** Starts a session for one of the site's customers. */
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

/** Tells of sessions that another tab changes: `changing` before, `changed` after. */
export const onSessionOfOtherTab = (listener) => {
  channel.addEventListener("message", (event) => listener(event.data));
};
