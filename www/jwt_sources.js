// The choices of source that the pages of Omnichannel and Live Assist offer: the site's own service, and ways in which one fails.

/**
 * Asks the service, and changes the middle of the signature: no secret of anybody's, and nobody's signature.
 * @param {string} path
 */
const tamperedToken =
  (path) =>
  async (/** @type {import("../pkg/index.js").SourceRequest} */ { signal }) => {
    const response = await fetch(path, { method: "POST", headers: { accept: "text/plain" }, signal });
    if (!response.ok) throw Object.assign(new Error("the service refused"), { status: response.status });
    const parts = (await response.text()).split(".");
    const middle = Math.floor(parts[2].length / 2);
    const other = parts[2][middle] === "A" ? "B" : "A";
    return [parts[0], parts[1], parts[2].slice(0, middle) + other + parts[2].slice(middle + 1)].join(".");
  };

/** A code that the service never issued. */
const inventedCode = () => {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return btoa(String.fromCharCode(...bytes))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=/g, "");
};

/**
 * The source to give to the package; `path` is the service's endpoint, which answers with a token, or a code when
 * `isCode`.
 * @param {string} kind
 * @param {string} path
 * @param {boolean} isCode
 * @returns {string | ((request: import("../pkg/index.js").SourceRequest) => Promise<string> | string)}
 */
export const sourceOf = (kind, path, isCode = false) => {
  switch (kind) {
    case "short":
      return `/short-lived${path}`;
    case "silent":
      return () => new Promise(() => {});
    case "down":
      return () => Promise.reject(Object.assign(new Error("the service is down"), { status: 503 }));
    case "tampered":
      return isCode ? inventedCode : tamperedToken(path);
    default:
      return path;
  }
};

/** The same source as code to read. @param {string} kind @param {string} path */
export const sourceAsCode = (kind, path) =>
  /** @type {Record<string, string>} */ ({
    short: `"/short-lived${path}"`,
    silent: "() => new Promise(() => {})",
    down: "() => Promise.reject(unavailable)",
    tampered: "() => tampered()",
  })[kind] ?? `"${path}"`;

/**
 * Tokens of one source must not be taken for another's: each has an organization of its own here.
 * @param {string} kind
 */
export const organizationOf = (kind) => (kind === "service" ? {} : { organizationId: kind });
