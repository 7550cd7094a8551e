// The endpoints that docs/your-own-endpoint.md shows, as they stand there, asked by the built package against the stand-in for LiveChat's accounts.

import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

import { expect, test } from "@playwright/test";
import { custom_identity_provider } from "../../pkg/dist/inline.js";
import { startProgram, startServers } from "./servers.js";

const here = fileURLToPath(new URL(".", import.meta.url));
const ORIGIN = "https://shop.example";
const LIVECHAT = { LIVECHAT_CLIENT_ID: "a client", LIVECHAT_ORGANIZATION_ID: "an organization" };

/** The example that begins by naming this file. */
const example = async (name) => {
  const page = await readFile(join(here, "../../docs/your-own-endpoint.md"), "utf8");
  const found = page
    .split("```js\n")
    .slice(1)
    .map((block) => block.split("```")[0])
    .find((block) => block.startsWith(`// ${name}`));
  expect(found, name).toBeDefined();
  return found;
};

let servers;
let folder;
test.beforeEach(async () => {
  servers = await startServers();
  folder = await mkdtemp(join(tmpdir(), "end-to-end-"));
  await symlink(join(here, "node_modules"), join(folder, "node_modules"));
  await writeFile(join(folder, "package.json"), JSON.stringify({ type: "module" }));
});
test.afterEach(async () => {
  await servers.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Asks an endpoint through the package, as this user; `ask` sends the request. */
const provider = (user, ask) =>
  custom_identity_provider({
    organizationId: LIVECHAT.LIVECHAT_ORGANIZATION_ID,
    cache: "none",
    identity: () => user,
    patience: 0,
    source: async () => {
      const response = await ask({ origin: ORIGIN, ...(user && { cookie: `user=${user}` }) });
      if (!response.ok) throw Object.assign(new Error("refused"), { status: response.status });
      expect(response.headers.get("cache-control")).toBe("no-store");
      return response.json();
    },
  });

/** What every endpoint has to do, whatever it is written in. */
const holds = async (ask) => {
  // Tabs of one customer that open together.
  const first = () => ask({ origin: ORIGIN, cookie: "user=ada" }).then((response) => response.json());
  const tokens = await Promise.all(Array.from({ length: 5 }, first));
  const again = await provider("ada", ask).getFreshToken();
  const entities = new Set([...tokens.map((token) => token.entity_id), again.entityId]);
  expect(entities.size, "one customer, however many first requests").toBe(1);
  expect(again.expiresIn).toBe(28_800_000);
  const grace = await provider("grace", ask).getToken();
  expect(grace.entityId === again.entityId, "another customer is another").toBe(false);
  await expect(provider(null, ask).getToken()).rejects.toMatchObject({ code: "NOT_SIGNED_IN" });
  expect((await ask({ origin: "https://elsewhere.example", cookie: "user=ada" })).status).toBe(403);
};

test("Express: a token for each customer, one entity for many first requests, nothing for guests and foreign pages", async () => {
  await writeFile(join(folder, "express.js"), await example("express.js"));
  const site = await startProgram(process.execPath, ["express.js"], {
    cwd: folder,
    added: {
      ...LIVECHAT,
      ORIGIN,
      PORT: "0",
      LIVECHAT_AGENT_TOKEN: servers.agentToken,
      LIVECHAT_ACCOUNTS_URL: servers.standIn,
    },
    addressIn: (line) =>
      line.startsWith("listening on ") ? line.replace("listening on ", "http://127.0.0.1:") : undefined,
  });
  try {
    await holds((headers) => fetch(`${site.url}/livechat/token`, { method: "POST", headers }));
  } finally {
    await site.stop();
  }
});

test("Next.js: its route handler does the same", async () => {
  const [whole, route] = await Promise.all([example("express.js"), example("app/livechat/token/route.js")]);
  const functions = whole.split("const application")[0].replace('import express from "express";', "");
  await writeFile(join(folder, "livechat.js"), `${functions}\nexport { tokenOf };\n`);
  await writeFile(join(folder, "session.js"), "export const currentUser = async () => globalThis.signedIn;\n");
  await writeFile(join(folder, "route.js"), route.replaceAll("../../../", "./"));
  Object.assign(process.env, LIVECHAT, {
    ORIGIN,
    LIVECHAT_AGENT_TOKEN: servers.agentToken,
    LIVECHAT_ACCOUNTS_URL: servers.standIn,
  });
  const { POST } = await import(pathToFileURL(join(folder, "route.js")).href);
  await holds((headers) => {
    globalThis.signedIn = headers.cookie?.split("=")[1] ?? null;
    return POST(
      new Request("https://shop.example/livechat/token", { method: "POST", headers: { origin: headers.origin } }),
    );
  });
});
