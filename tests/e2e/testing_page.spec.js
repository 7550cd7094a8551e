// docs/testing.md: its tests of a page, as they stand there, run by Playwright against such a page.

import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { expect, test } from "@playwright/test";

const here = fileURLToPath(new URL(".", import.meta.url));
const packageFolder = process.env.PACKAGE_FOLDER ?? join(here, "../../pkg/dist");

/** A page whose customer is signed in. */
const PAGE = `<!doctype html><title>Shop</title><script src="/script.js"></script><script>
  custom_identity_provider.connectLiveChat({ licenseId: 12345678, identity: () => "ada", source: "/livechat/token" });
  window.__lc = { license: 12345678 };
</script>`;

// Playwright starts twice in it.
test.describe.configure({ timeout: 300_000 });

test("the page's tests pass where the package does what they expect, and fail where it does not", async () => {
  const text = await readFile(join(here, "../../docs/testing.md"), "utf8");
  const [, example] = /^```js\n(\/\/ chat\.spec\.js\n.*?)^```/ms.exec(text);
  const folder = await mkdtemp(join(tmpdir(), "end-to-end-"));
  let body = PAGE;
  const server = createServer(async (request, response) => {
    const isPage = request.url === "/";
    response.setHeader("content-type", isPage ? "text/html" : "text/javascript");
    response.end(isPage ? body : await readFile(join(packageFolder, request.url)));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    await symlink(join(here, "node_modules"), join(folder, "node_modules"));
    await writeFile(join(folder, "package.json"), JSON.stringify({ type: "module" }));
    await writeFile(join(folder, "chat.spec.js"), example);
    const chromium = JSON.stringify(join(here, "../chromium.js"));
    await writeFile(
      join(folder, "playwright.config.js"),
      `import { flags, path } from ${chromium};
      export default {
        use: { baseURL: "http://127.0.0.1:${server.address().port}", launchOptions: { executablePath: path, args: flags } },
      };`,
    );
    const cli = join(here, "node_modules/@playwright/test/cli.js");
    const run = () => promisify(execFile)(process.execPath, [cli, "test", "--reporter", "json"], { cwd: folder });
    const { expected, unexpected } = JSON.parse((await run()).stdout).stats;
    expect([expected, unexpected]).toEqual([2, 0]);
    // Somebody is served who is a guest.
    body = PAGE.replace('"ada"', "null");
    const failed = await run().catch((error) => JSON.parse(error.stdout).stats);
    expect(failed.unexpected).toBe(2);
  } finally {
    server.close();
    await rm(folder, { recursive: true, force: true });
  }
});
