// A site on a loopback address: static files, and a token service that counts its requests.

import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname, join, normalize } from "node:path";

const types = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".wasm": "application/wasm" };

/**
 * @param {string} folder what it serves
 * @param {{policy?: string, intercept?: (path: string, response: import("node:http").ServerResponse) => unknown}} [options] the
 * Content-Security-Policy of its pages; and what answers in its place, where that says so by anything but a falsy value
 */
export async function site(folder, { policy, intercept } = {}) {
  let issued = 0;
  /** @type {string[]} */
  const requests = [];
  const server = createServer(async (request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? "/", "http://site").pathname);
    requests.push(path);
    if (intercept?.(path, response)) return;
    if (path === "/livechat/token") {
      issued += 1;
      response.writeHead(200, { "content-type": "application/json", "cache-control": "no-store" });
      response.end(
        JSON.stringify({
          access_token: `made-by-a-test:${issued}`,
          entity_id: "entity",
          expires_in: 28800,
          token_type: "Bearer",
          organization_id: "organization",
        }),
      );
      return;
    }
    try {
      const body = await readFile(join(folder, normalize(path)));
      response.writeHead(200, {
        "content-type": types[extname(path)] ?? "application/octet-stream",
        ...(policy && { "content-security-policy": policy }),
      });
      response.end(body);
    } catch {
      response.writeHead(path === "/favicon.ico" ? 204 : 404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${port}`,
    /** How many tokens the service has issued. */
    issued: () => issued,
    /** The paths that were asked for, in their order. */
    requests,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(resolve);
      }),
  };
}
