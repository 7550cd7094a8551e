// A token service that fails as it is told, on a loopback address: the path says how, the query for whom, so that callers do not meet.

import { createServer } from "node:http";

const page = "<!doctype html><title>Welcome</title><h1>Welcome</h1>";
const form =
  '<!doctype html><title>Sign in</title><form method=post><input name=user><input class=wide type="password" name=password></form>';
const token = (number) =>
  JSON.stringify({
    access_token: `made-by-a-test-${number}`,
    entity_id: "entity",
    expires_in: 28800,
    token_type: "Bearer",
  });
const html = { "content-type": "text/html; charset=utf-8" };

/** Every way to answer; each is told how many times it was asked before by the same caller, and the query's `to`. */
const ways = {
  token: () => ({ body: true }),
  /** The connection ends before an answer. */
  cut: (before) => (before === 0 ? { cut: true } : { body: true }),
  /** The connection ends in the middle of the answer. */
  half: (before) => (before === 0 ? { half: true } : { body: true }),
  unauthorized: () => ({ status: 401 }),
  busy: (before) => (before === 0 ? { status: 503, headers: { "retry-after": "1" } } : { body: true }),
  /** Never answers the first time. */
  silent: (before) => (before === 0 ? { silent: true } : { body: true }),
  /** Sends to another address. */
  redirect: (_, to) => ({ status: 302, headers: { location: to } }),
  /** Sends to another address which is to be asked in the same way; the first time the connection ends instead. */
  moved: (before, to) => (before === 0 ? { cut: true } : { status: 307, headers: { location: to } }),
  page: () => ({ headers: html, text: page }),
  "sign-in": () => ({ headers: html, text: form }),
  nothing: () => ({ status: 204 }),
  empty: () => ({ text: " \n" }),
  "empty-text": () => ({ headers: { "content-type": "text/plain" }, text: "" }),
  null: () => ({ text: "null" }),
  "empty-string": () => ({ text: '""' }),
  "null-token": () => ({ text: '{"token":null}' }),
  "empty-token": () => ({ text: '{"token":""}' }),
  "not-modified": () => ({ status: 304 }),
  nonsense: () => ({ text: "certainly" }),
  /** LiveChat's accounts and the page's own service in the identity_token grant. */
  transfer: () => ({ text: '{"identity_transfer_token":"a-code"}' }),
  "accounts/customer/token": () => ({ body: true }),
  "exception/customer/token": () => ({ status: 401, text: '{"identity_exception":"identity_lost"}' }),
  "secret/customer/token": () => ({
    status: 401,
    text: '{"identity_exception":"Secret of 4 words","oauth_exception":"secret@example.test"}',
  }),
};

/**
 * @param {{allowed?: string, files?: Record<string, [type: string, text: string]>}} [settings] the origin of pages that may read its answers, with
 * cookies, none for a service that knows nothing of other origins; and what it serves beside, by path
 */
export async function failingService({ allowed, files = {} } = {}) {
  /** @type {{path: string, caller: string, method: string, headers: import("node:http").IncomingHttpHeaders, body: string}[]} */
  const requests = [];
  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://service");
    const caller = searchParams.get("caller") ?? "";
    const before = requests.filter(
      (earlier) => earlier.path === pathname && earlier.caller === caller && earlier.method !== "OPTIONS",
    ).length;
    let body = "";
    for await (const part of request) body += part;
    requests.push({ path: pathname, caller, method: request.method ?? "", headers: request.headers, body });
    // A browser sends a request again by itself when a connection that it had kept is cut.
    response.setHeader("connection", "close");
    const cors = allowed
      ? {
          "access-control-allow-origin": allowed,
          "access-control-allow-credentials": "true",
          "access-control-allow-headers": "content-type, x-requested-with",
          "access-control-expose-headers": "retry-after",
        }
      : {};
    if (request.method === "OPTIONS") return response.writeHead(allowed ? 204 : 405, cors).end();
    const file = files[pathname];
    if (file) return response.writeHead(200, { "content-type": file[0] }).end(file[1]);
    const way = ways[pathname.slice(1)]?.(before, searchParams.get("to") ?? "") ?? { status: 404 };
    if (way.cut) return request.socket.destroy();
    if (way.silent) return;
    if (way.half) {
      response.writeHead(200, { "content-type": "application/json", "content-length": 1000, ...cors });
      response.write('{"access_token": ');
      // Sent, and then broken off.
      return setImmediate(() => request.socket.destroy());
    }
    response.writeHead(way.status ?? 200, {
      "content-type": "application/json",
      "cache-control": "no-store",
      ...cors,
      ...way.headers,
    });
    response.end(way.text ?? (way.body ? token(requests.length) : "{}"));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    /** How often a caller asked in this way. */
    asked: (way, caller) =>
      requests.filter(
        (request) => request.path === `/${way}` && request.caller === caller && request.method !== "OPTIONS",
      ).length,
    /** Begins anew with everybody. */
    forget: () => void requests.splice(0),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(resolve);
      }),
  };
}
