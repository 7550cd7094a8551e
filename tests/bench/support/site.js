// The site on a loopback address: the built pages, and a stand-in for everybody's token service.

import { createServer } from "node:http";

/** An unsigned JWT in the shape of a signed one: none of the contenders checks signatures. */
const idToken = (issuer) => {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: issuer, aud: "client", sub: "somebody", iat: now, exp: now + 28_800 };
  return `${part({ alg: "RS256", typ: "JWT" })}.${part(claims)}.${part("no signature")}`;
};

/**
 * @param {Map<string, import("./built.js").Page>} pages
 */
export const site = async (pages) => {
  let lifetime = 28_800;
  /** @type {string[]} */
  let asked = [];
  let sent = 0;
  const token = (path, origin) => {
    const issued = { access_token: `made-by-a-bench-${asked.length}`, token_type: "Bearer", expires_in: lifetime };
    if (path.startsWith("/oauth/"))
      return {
        ...issued,
        refresh_token: "kept",
        id_token: idToken(`${origin}/`),
        scope: "openid profile email offline_access",
      };
    // oidc-client-ts takes a lifetime below zero for one that is not known.
    if (path.startsWith("/oidc/"))
      return {
        ...issued,
        expires_in: Math.max(lifetime, 0),
        refresh_token: "kept",
        id_token: idToken(`${origin}/oidc`),
        scope: "openid",
      };
    if (path.startsWith("/supabase/"))
      return { ...issued, refresh_token: "kept", user: { id: "somebody", aud: "client" } };
    return { ...issued, entity_id: "entity" };
  };
  const server = createServer(async (request, response) => {
    const origin = `http://${request.headers.host}`;
    const { pathname } = new URL(request.url ?? "/", origin);
    // Alone with its origin a page has a clock fine enough to time with.
    const common = {
      "cache-control": "no-store",
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-embedder-policy": "require-corp",
    };
    const [, name, file] = pathname.split("/");
    if (request.method === "POST") {
      asked.push(pathname);
      request.resume();
      response.writeHead(200, { ...common, "content-type": "application/json" });
      return response.end(JSON.stringify(token(pathname, origin)));
    }
    const page = pages.get(name);
    if (page && file === "") return response.writeHead(200, { ...common, "content-type": "text/html" }).end(page.html);
    const script = page?.files.get(pathname);
    if (!script) return response.writeHead(404, common).end();
    sent += script.length;
    response.writeHead(200, { ...common, "content-type": "text/javascript", "content-encoding": "gzip" }).end(script);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  const url = `http://127.0.0.1:${port}`;
  return {
    /** @param {string} name @param {Record<string, string | number>} [query] */
    page: (name, query = {}) =>
      `${url}/${name}/?${new URLSearchParams(Object.entries(query).map(([key, value]) => [key, String(value)]))}`,
    /** An empty page of the same origin. */
    blank: `${url}/nothing/?sign-in`,
    /** Counts anew. */
    forget: () => {
      asked = [];
      sent = 0;
    },
    /** How many tokens were asked for since. */
    asked: () => asked.length,
    /** Bytes of scripts sent since. */
    sent: () => sent,
    /** What is issued from now on has expired already, or lives for a day's work. */
    issueExpired: (isExpired) => void (lifetime = isExpired ? -1 : 28_800),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(resolve);
      }),
  };
};
