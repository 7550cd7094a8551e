// The README's examples at module level of Next.js's client components: built, prerendered, served, and used in Chromium.

import assert from "node:assert/strict";
import { execSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { application as use, useInBrowser } from "../packaging/support/application.js";
import { launch } from "../packaging/support/chromium.js";
import { project, root } from "../packaging/support/installed_package.js";

const here = fileURLToPath(new URL(".", import.meta.url));
const next = join(here, "node_modules/next/dist/bin/next");
const environment = { ...process.env, NEXT_TELEMETRY_DISABLED: "1", NO_COLOR: "1" };

const LIVECHAT = `identity: () => session.user?.id ?? null, source: "/livechat/token"`;
const OMNICHANNEL = `identity: () => session.user?.id ?? null, source: "/omnichannel/token"`;
const LIVE_ASSIST = `identity: () => session.user?.id ?? null, source: "/live-assist/token"`;

/** Each function's example: what stands at module level, and how the page gets to what the widget would be given. */
const EXAMPLES = {
  custom_identity_provider: {
    level: `const provider = custom_identity_provider({ ${LIVECHAT}, guests: "/livechat/guest" });`,
    ask: `(await provider.getToken()).accessToken`,
    answer: "livechat",
  },
  configure: {
    level: `configure({ ${LIVECHAT} });`,
    ask: `(await (await import("custom-identity-provider")).custom_identity_provider().getToken()).accessToken`,
    answer: "livechat",
  },
  connectLiveChat: {
    level: `connectLiveChat({ ${LIVECHAT} });`,
    ask: `(await window.__lc.custom_identity_provider().getToken()).accessToken`,
    answer: "livechat",
  },
  connectOmnichannel: {
    level: `connectOmnichannel({ ${OMNICHANNEL}, startChat: true });`,
    ask: `await new Promise((answered) => {
      const SDK = { setAuthTokenProvider: (provider) => provider(answered), startChat: async () => {} };
      window.Microsoft = { Omnichannel: { LiveChatWidget: { SDK } } };
      window.dispatchEvent(new CustomEvent("lcw:ready"));
    })`,
    answer: "jwt",
  },
  getAuthToken: { level: `const getToken = getAuthToken({ ${OMNICHANNEL} });`, ask: `await getToken()`, answer: "jwt" },
  authTokenProvider: {
    level: `const provider = authTokenProvider({ ${OMNICHANNEL} });`,
    ask: `await new Promise(provider)`,
    answer: "jwt",
  },
  authoriseChatWithCallback: {
    level: `const authorise = authoriseChatWithCallback({ ${LIVE_ASSIST}, signIn: async () => false });`,
    ask: `await new Promise(authorise)`,
    answer: "jwt",
  },
  livePersonIdentity: {
    level: `const tell = livePersonIdentity({ ${LIVE_ASSIST} });`,
    ask: `Object.values(await new Promise(tell)).join()`,
    answer: "service,loa1,ada",
  },
};

/** A page as an application has it. */
const page = (name, { level, ask }) => `"use client";
import { useEffect, useState } from "react";
import { ${name} } from "custom-identity-provider";

const session = { user: { id: "ada" } };
${level}

export default function Page() {
  const [said, say] = useState("rendered");
  useEffect(() => {
    const ask = async () => ${ask};
    ask().then(say, (error) => say(String(error)));
  }, []);
  return <output>{said}</output>;
}
`;

const LAYOUT = `export default function Layout({ children }) {
  return <html><head><link rel="icon" href="data:," /><script dangerouslySetInnerHTML={{ __html: "window.__lc = { license: 12345678 };" }} /></head><body>{children}</body></html>;
}
`;
const TOKEN = `export const POST = () => Response.json({ access_token: "livechat", entity_id: "entity", expires_in: 28800, token_type: "Bearer" });
`;
const JWT = `const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
export const POST = () => {
  const now = Math.floor(Date.now() / 1000);
  return Response.json({ token: [{ alg: "RS256" }, { iss: "service", sub: "ada", iat: now, exp: now + 300 }, "signature"].map(part).join(".") });
};
`;

const FIRST_TOKEN_PAGE = readFileSync(join(root, "docs/first-token-next.md"), "utf8");
const FIRST_TOKEN = [...FIRST_TOKEN_PAGE.matchAll(/^```jsx?\n\/\/ (app\/(?:page|sign-in\/route)\.js)\n(.*?)^```/gms)];

let application, browser, server, built, address;
before(async () => {
  application = project([], here);
  // The packages lie in the folder around the project.
  application.write(
    "next.config.js",
    `export default { turbopack: { root: ${JSON.stringify(here)} }, outputFileTracingRoot: ${JSON.stringify(here)} };`,
  );
  application.write("app/layout.jsx", LAYOUT);
  application.write("app/livechat/token/route.js", TOKEN);
  application.write("app/livechat/guest/route.js", TOKEN.replace('"entity"', '"guest"'));
  // docs/first-token-next.md: its page and its sign-in, as they stand there.
  for (const [, name, text] of FIRST_TOKEN)
    application.write(name.replace("app/page.js", "app/first-token/page.jsx"), text);
  for (const widget of ["omnichannel", "live-assist"]) application.write(`app/${widget}/token/route.js`, JWT);
  for (const [name, example] of Object.entries(EXAMPLES))
    application.write(`app/${name}/page.jsx`, page(name, example));
  application.write("app/application/use.js", use());
  application.write(
    "app/application/page.jsx",
    `"use client"; import "./use.js"; export default function Page() { return <p>Used</p>; }`,
  );
  built = spawnSync(process.execPath, [next, "build"], {
    cwd: application.folder,
    env: environment,
    encoding: "utf8",
    timeout: 240_000,
  });
  if (built.status !== 0) return;
  server = spawn(process.execPath, [next, "start", "--hostname", "127.0.0.1", "--port", "0"], {
    cwd: application.folder,
    env: environment,
    stdio: ["ignore", "pipe", "inherit"],
  });
  for await (const line of createInterface({ input: server.stdout })) {
    address = line.match(/http:\/\/127\.0\.0\.1:\d+/)?.[0] ?? address;
    if (/ready/i.test(line)) break;
  }
  server.stdout.resume();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  if (server?.exitCode === null && server.kill()) await once(server, "exit");
  application?.remove();
});

test("next build prerenders a page for each example, and nothing is complained of", () => {
  assert.equal(built.status, 0, `${built.stdout}${built.stderr}`);
  for (const name of Object.keys(EXAMPLES))
    assert.match(built.stdout, new RegExp(`○ /${name}\\s`), "a page was not prerendered");
  assert.doesNotMatch(`${built.stdout}${built.stderr}`, /custom-identity-provider:|IdentityError|warn/i);
});

test("the core comes in a chunk of its own, after the first factory call", async () => {
  assert.ok(address, `nothing is served: ${built.stdout}${built.stderr}`);
  const came = await useInBrowser(browser, `${address}/application`);
  assert.deepEqual(came, { form: "webassembly", webassembly: "call" });
  const again = await useInBrowser(browser, `${address}/application`, { failing: true });
  assert.deepEqual(again, came, "where the chunk could not be had at first");
});

for (const [name, { answer }] of Object.entries(EXAMPLES)) {
  test(`next start serves a page with ${name} at module level, which gets its token in Chromium`, async () => {
    assert.ok(address, `nothing is served: ${built.stdout}${built.stderr}`);
    assert.match(await (await fetch(`${address}/${name}`)).text(), /<output>rendered<\/output>/);
    const { page, errors, close } = await browser.page();
    await page.goto(`${address}/${name}`);
    await page.waitForFunction(() => document.querySelector("output").textContent !== "rendered");
    const said = await page.textContent("output");
    if (answer === "jwt") assert.match(said, /^eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+$/);
    else assert.equal(said, answer);
    assert.deepEqual(await errors(), []);
    await close();
  });
}

test("docs/first-token-next.md makes a package of modules, as the one that is built here, and no newer npm of CommonJS", () => {
  const folder = mkdtempSync(join(tmpdir(), "custom-identity-provider-"));
  const [, commands] = /^ {4}mkdir first-token-next && cd first-token-next && (.*)$/m.exec(FIRST_TOKEN_PAGE);
  execSync(commands, { cwd: folder, stdio: "ignore" });
  assert.equal(JSON.parse(readFileSync(join(folder, "package.json"), "utf8")).type, "module");
  rmSync(folder, { recursive: true });
});

test("docs/first-token-next.md shows a guest and a customer, and signs in and out by its own route", async () => {
  assert.equal(FIRST_TOKEN.length, 2);
  const { page, errors, close } = await browser.page();
  await page.goto(`${address}/first-token`);
  const says = (text) => page.getByRole("status").getByText(text).waitFor();
  await says("A guest: LiveChat's customer guest");
  await page.getByRole("button", { name: "Sign in as Ada" }).click();
  await says("ada: LiveChat's customer entity");
  assert.deepEqual(
    (await page.context().cookies()).map(({ name, httpOnly }) => [name, httpOnly]),
    [["session", true]],
  );
  await page.getByRole("button", { name: "Sign out" }).click();
  await says("A guest: LiveChat's customer guest");
  assert.deepEqual(await page.context().cookies(), []);
  assert.deepEqual(await errors(), []);
  await close();
});
