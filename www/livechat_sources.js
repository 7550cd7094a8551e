// The choices that the options panel offers: kinds of source, and what the page says about each.

/**
 * The page's own fetch, as a function source. The service keeps a token for each customer; `reload` asks it for a newer
 * one.
 * @type {import("../pkg/index.js").FunctionSource}
 */
const fetchToken = async ({ signal, reason }) => {
  const response = await fetch("/livechat/token", {
    method: "POST",
    cache: reason === "fresh" ? "reload" : "default",
    signal,
  });
  if (!response.ok) {
    // An answer that is not read to its end keeps its connection.
    await response.text();
    const seconds = Number(response.headers.get("retry-after") ?? NaN);
    throw Object.assign(new Error("the service refused"), {
      status: response.status,
      ...(Number.isFinite(seconds) && { retryAfter: seconds * 1000 }),
    });
  }
  return response.json();
};

/**
 * The source to give to the package.
 * @param {string} kind
 * @param {import("./site.js").LiveChat} livechat
 * @returns {import("../pkg/index.js").Source}
 */
export const sourceOf = (kind, livechat) => {
  const { clientId, accountsUrl } = livechat;
  switch (kind) {
    case "function":
      return fetchToken;
    case "cookie":
      return { grant: "cookie", clientId, accountsUrl };
    case "identity_token":
      return { grant: "identity_token", clientId, accountsUrl, transferUrl: "/livechat/transfer" };
    default:
      return "/livechat/token";
  }
};

/** The same source as code to read. @param {string} kind @param {import("./site.js").LiveChat} livechat */
export const sourceAsCode = (kind, livechat) => {
  const text = JSON.stringify;
  switch (kind) {
    case "function":
      return "({ signal, reason }) => fetchToken(signal, reason)";
    case "cookie":
      return `{\n    grant: "cookie",\n    clientId: ${text(livechat.clientId)},\n  }`;
    case "identity_token":
      return `{\n    grant: "identity_token",\n    clientId: ${text(livechat.clientId)},\n    transferUrl: "/livechat/transfer",\n  }`;
    default:
      return `"/livechat/token"`;
  }
};

/** What a person should know before choosing it; empty when there is nothing. @param {string} kind */
export const sourceNote = (kind) =>
  /** @type {Record<string, string>} */ ({
    cookie:
      "LiveChat’s cookie belongs to the browser: two customers who use it one after the other are the same person to LiveChat. For signed-in customers take another source.",
    identity_token:
      "Two requests for each token: the site starts a transfer, the browser redeems it with its proof key.",
  })[kind] ?? "";
