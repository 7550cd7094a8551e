// The endpoints that docs/your-own-endpoint.md shows, as they stand there, asked by the built package against the stand-in for LiveChat's accounts.

import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

import { expect, test } from "@playwright/test";
import { custom_identity_provider } from "../../pkg/dist/inline.js";
import { startProgram, startServers } from "./servers.js";

const here = fileURLToPath(new URL(".", import.meta.url));
const ORIGIN = "https://shop.example";
const LIVECHAT = { LIVECHAT_CLIENT_ID: "a client", LIVECHAT_ORGANIZATION_ID: "an organization" };

/** The page's examples in a language, by the file that each names in its first line. @param {string} language */
const examples = async (language) => {
  const page = await readFile(join(here, "../../docs/your-own-endpoint.md"), "utf8");
  const named = new RegExp(`^\`\`\`${language}\\n((?:<\\?php\\n)?(?://|#|--) ([\\w./]+).*?)^\`\`\``, "gms");
  return Object.fromEntries([...page.matchAll(named)].map(([, text, name]) => [name, text]));
};

// A framework takes its time to start where the processor is busy.
test.describe.configure({ timeout: 300_000 });

let servers;
let folder;
test.beforeEach(async () => {
  servers = await startServers();
  folder = await mkdtemp(join(tmpdir(), "end-to-end-"));
});
test.afterEach(async () => {
  await servers.stop();
  await rm(folder, { recursive: true, force: true });
});

/** @param {Record<string, string>} files */
const write = async (files) => {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(folder, dirname(name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
};

const settings = () => ({
  ...LIVECHAT,
  ORIGIN,
  LIVECHAT_AGENT_TOKEN: servers.agentToken,
  LIVECHAT_ACCOUNTS_URL: servers.standIn,
});

/** Starts a site, which says where it listens. @param {string} program @param {string[]} given @param {Record<string, string>} [added] */
const startSite = (program, given, added) =>
  startProgram(program, given, {
    cwd: folder,
    added: { ...settings(), HOME: folder, ...added },
    addressIn: (line) => {
      const [, port] = /(?:listening on |Server \(http:\/\/127\.0\.0\.1:)(\d+)/.exec(line) ?? [];
      return port && `http://127.0.0.1:${port}`;
    },
  });

/** LiveChat misbehaves so. @param {Record<string, unknown>} faults */
const faults = (faults) =>
  fetch(`${servers.standIn}/stand-in/faults`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(faults),
  });

/**
 * What every endpoint has to do, whatever it is written in. `enter` signs a user in, or nobody, and answers with the headers that the
 * site's own pages would send; `ask` sends a request with such headers, and `forged` makes another site's of them.
 */
const holds = async ({
  enter,
  ask,
  forged = (headers) => ({ cookie: headers.cookie, origin: "https://elsewhere.example" }),
}) => {
  /** The package in a page of this user's. @param {string | null} user */
  const provider = async (user) => {
    const headers = await enter(user);
    return custom_identity_provider({
      organizationId: LIVECHAT.LIVECHAT_ORGANIZATION_ID,
      cache: "none",
      identity: () => user,
      patience: 0,
      source: async () => {
        const response = await ask(headers);
        expect(response.headers.get("cache-control")).toContain("no-store");
        if (!response.ok) throw Object.assign(new Error("refused"), { status: response.status });
        return response.json();
      },
    });
  };
  const ada = await enter("ada");

  // A creation that fails is over: it stands in nobody's way.
  await faults({ status: 500, remaining: 1 });
  expect((await ask(ada)).status).toBe(502);

  // Tabs of one customer that open together, while LiveChat takes its time.
  await faults({ latency_ms: 300 });
  const first = async () => {
    const response = await ask(ada);
    expect(response.status).toBe(200);
    return response.json();
  };
  const tokens = await Promise.all(Array.from({ length: 5 }, first));
  await faults({});
  const again = await (await provider("ada")).getFreshToken();
  const entities = new Set([...tokens.map((token) => token.entity_id), again.entityId]);
  expect(entities.size, "one customer, however many first requests").toBe(1);
  expect(again.expiresIn).toBe(28_800_000);

  const grace = await (await provider("grace")).getToken();
  expect(grace.entityId === again.entityId, "another customer is another").toBe(false);
  await expect((await provider(null)).getToken()).rejects.toMatchObject({ code: "NOT_SIGNED_IN", status: 401 });

  const { status } = await ask(forged(ada));
  expect(status >= 400 && status < 500, `another site's page was answered ${status}`).toBe(true);
};

/** A site with its ordinary sessions, whose `/page` signs in and answers with what its CSRF check wants. @param {string} url @param {string} [origin] */
const siteWithSessions = (url, origin = url) => ({
  enter: async (user) => {
    const response = await fetch(`${url}/page${user === null ? "" : `?as=${user}`}`);
    expect(response.status).toBe(200);
    const cookie = response.headers.getSetCookie().map((cookie) => cookie.split(";")[0]);
    const { header, token } = await response.json();
    return { cookie: cookie.join("; "), origin, ...(header && { [header]: token }) };
  },
  ask: (headers) =>
    fetch(`${url}/livechat/token`, { method: "POST", headers: { accept: "application/json", ...headers } }),
});

/** The first of these programs that can do this, if any. @param {string[]} programs @param {string[]} given */
const able = (programs, given) => programs.find((program) => spawnSync(program, given).status === 0);

test("Express: a token for each customer and each guest, one entity for many first requests, nothing for foreign pages", async () => {
  await symlink(join(here, "node_modules"), join(folder, "node_modules"));
  await write({ "package.json": JSON.stringify({ type: "module" }), ...(await examples("js")) });
  const site = await startSite(process.execPath, ["express.js"], { PORT: "0" });
  try {
    await holds({
      enter: async (user) => ({ origin: ORIGIN, ...(user && { cookie: `user=${user}` }) }),
      ask: (headers) => fetch(`${site.url}/livechat/token`, { method: "POST", headers }),
    });

    // Guests.
    const guest = (headers) =>
      fetch(`${site.url}/livechat/guest`, { method: "POST", headers: { origin: ORIGIN, ...headers } });
    const came = await guest({});
    const [set] = came.headers.getSetCookie();
    expect(set).toMatch(/^__Host-guest=[\w-]{43}; .*Path=\/; .*HttpOnly; Secure; SameSite=Lax$/);
    const { entity_id } = await came.json();
    const cookie = set.split(";")[0];
    expect((await (await guest({ cookie })).json()).entity_id, "a guest who comes back").toBe(entity_id);
    const stolen = await (await guest({ cookie: `__Host-guest=${entity_id}` })).json();
    expect(stolen.entity_id === entity_id, "who knows an entity id is nobody by that").toBe(false);
    expect((await guest({ cookie: `${cookie}; user=ada` })).status).toBe(409);
    expect((await guest({ cookie, origin: "https://elsewhere.example" })).status).toBe(403);
  } finally {
    await site.stop();
  }
});

test("Next.js: its route handler does the same", async () => {
  const { "express.js": whole, ...route } = await examples("js");
  const functions = whole.split("const application")[0].replace('import express from "express";', "");
  Object.assign(process.env, settings());
  await write({
    "package.json": JSON.stringify({ type: "module" }),
    "livechat.js": `${functions}\nexport { tokenOf };\n`,
    "session.js": "export const currentUser = async () => globalThis.signedIn;\n",
    ...route,
  });
  const { POST } = await import(pathToFileURL(join(folder, "app/livechat/token/route.js")).href);
  await holds({
    enter: async (user) => ({ origin: ORIGIN, ...(user && { cookie: `user=${user}` }) }),
    ask: (headers) => {
      globalThis.signedIn = headers.cookie?.split("=")[1] ?? null;
      return POST(new Request("https://shop.example/livechat/token", { method: "POST", headers }));
    },
  });
});

test("Django: its app does the same, with Django's own sessions and CSRF check", async () => {
  const python = able(["/usr/bin/python3", "python3"], ["-c", "import django"]);
  test.skip(!python, "Django is not on this machine");
  await write({ "livechat/__init__.py": "", ...(await examples("python")) });
  const site = await startSite(python, [join(here, "sites/django_site.py")]);
  try {
    await holds(siteWithSessions(site.url));
  } finally {
    await site.stop();
  }
});

test("Rails: its model and controller do the same, with Rails's own sessions and CSRF check", async () => {
  const ruby = able(["/usr/bin/ruby", "ruby"], ["-e", 'require "rails"; require "sqlite3"; require "webrick"']);
  test.skip(!ruby, "Rails is not on this machine");
  await write(await examples("ruby"));
  const site = await startSite(ruby, [join(here, "sites/rails_site.rb")], { RAILS_ENV: "production" });
  try {
    await holds(siteWithSessions(site.url));
  } finally {
    await site.stop();
  }
});

test("Laravel: its controller does the same, with Laravel's own sessions and CSRF check", async () => {
  // Debian's packages, or what Composer made elsewhere.
  const LARAVEL_AUTOLOAD = process.env.LARAVEL_AUTOLOAD ?? "Illuminate/autoload.php GuzzleHttp/autoload.php";
  const loads = LARAVEL_AUTOLOAD.split(" ").map((file) => `require "${file}";`);
  const php = able(["php"], ["-r", `${loads.join("")} exit(class_exists("GuzzleHttp\\Client") ? 0 : 1);`]);
  test.skip(!php, "Laravel is not on this machine");
  await write(await examples("php"));
  const site = await startSite(php, [join(here, "sites/laravel_site.php")], { LARAVEL_AUTOLOAD });
  try {
    await holds(siteWithSessions(site.url));
  } finally {
    await site.stop();
  }
});

test("Spring: its controller does the same, with a servlet container's sessions", async () => {
  // Debian's packages, or a folder with the same libraries.
  const library = process.env.SPRING_JARS ?? "/usr/share/java";
  const jars = (await readdir(library).catch(() => []))
    .filter((name) => /^(spring|tomcat|h2|jackson-|slf4j-|commons-logging).*\.jar$/.test(name))
    .map((name) => join(library, name));
  const compiler = able(["javac"], ["-version"]);
  test.skip(!compiler || !jars.some((jar) => /spring.*web/.test(jar)), "Spring is not on this machine");
  await write({ ...(await examples("java")), ...(await examples("sql")) });
  const sources = ["src/main/java/shop/LiveChatController.java", join(here, "sites/SpringSite.java")];
  const options = ["-proc:none", "-d", join(folder, "classes"), "-cp", jars.join(":")];
  const compiled = spawnSync(compiler, [...options, ...sources], { cwd: folder, encoding: "utf8" });
  expect(compiled.status, compiled.stderr).toBe(0);
  const site = await startSite("java", ["-cp", ["classes", ...jars].join(":"), "SpringSite"]);
  try {
    await holds(siteWithSessions(site.url, ORIGIN));
  } finally {
    await site.stop();
  }
});
