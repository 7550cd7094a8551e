// docs/first-token.md, done as it is written there: the files, the programs with their flags, the clicks.

import { execSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { expect, test } from "@playwright/test";
import { start, startProgram } from "./servers.js";

const root = fileURLToPath(new URL("../../", import.meta.url));

test("a new application shows a token for a guest and one for a customer", async ({ page, browser }) => {
  const text = await readFile(join(root, "docs/first-token.md"), "utf8");
  const folder = await mkdtemp(join(tmpdir(), "end-to-end-"));
  const running = [];
  try {
    // Its dependencies as npm would put them there.
    await mkdir(join(folder, "node_modules"));
    await symlink(join(root, "tests/packaging/node_modules/vite"), join(folder, "node_modules/vite"));
    await symlink(join(root, "pkg"), join(folder, "node_modules/custom-identity-provider"));
    const [, commands] = /^ {4}mkdir first-token && cd first-token && (.*)$/m.exec(text);
    execSync(commands, { cwd: folder, stdio: "ignore" });
    for (const [, body] of text.matchAll(/^```(?:js|html)\n(.*?)^```/gms)) {
      const [, name] = /^(?:\/\/|<!--) ([\w.]+)/.exec(body);
      await writeFile(join(folder, name), name.endsWith(".html") ? body.replace(/^.*\n/, "") : body);
    }
    // What is in the commands, but for the ports.
    const words = text.replaceAll(/\\\n */g, " ").split("\n");
    const command = (program) => words.find((line) => line.startsWith("    ") && line.includes(`/${program}`)).trim();
    const parts = (program) => {
      const [before, after] = command(program).split(`target/debug/${program}`);
      const environment = Object.fromEntries(
        before
          .trim()
          .split(" ")
          .map((setting) => setting.split("=")),
      );
      return { environment, given: after.trim().split(/ +/).filter(Boolean) };
    };
    const standIn = parts("livechat-accounts-stand-in");
    running.push(await start("livechat-accounts-stand-in", standIn.given, standIn.environment, folder));
    const service = parts("identity-service");
    const given = service.given.map((word) => word.replace("http://127.0.0.1:8082", running[0].url));
    running.push(await start("identity-service", given, service.environment, folder));
    const vite = join(root, "tests/packaging/node_modules/vite/bin/vite.js");
    running.push(
      await startProgram(process.execPath, [vite, "--port", "0", "--host", "127.0.0.1"], {
        cwd: folder,
        added: { IDENTITY_SERVICE: running[1].url },
        // It writes in colours.
        addressIn: (line) => /http:\/\/[\w.]+:\d+/.exec(line.replace(/\u001b\[\d+m/g, ""))?.[0],
      }),
    );
    const { url } = running[2];

    await page.goto(url);
    const who = page.getByRole("status");
    const entity = async (whose) => {
      await expect(who).toContainText(`${whose}: LiveChat's customer`);
      return /customer ([\w-]+),/.exec(await who.innerText())[1];
    };
    const guest = await entity("A guest");
    await page.getByRole("button", { name: "Sign in as Ada" }).click();
    const ada = await entity("ada");
    expect(ada === guest, "a customer is no guest").toBe(false);
    await page.getByRole("button", { name: "Sign out" }).click();
    const next = await entity("A guest");
    expect(next === guest || next === ada, "who comes after a customer is another guest").toBe(false);
    await page.getByRole("button", { name: "Sign in as Ada" }).click();
    expect(await entity("ada"), "her chats are hers").toBe(ada);
    // Another device.
    const other = await browser.newPage();
    await other.goto(url);
    await expect(other.getByRole("status")).toContainText("A guest: LiveChat's customer");
    await other.getByRole("button", { name: "Sign in as Ada" }).click();
    await expect(other.getByRole("status")).toContainText(`ada: LiveChat's customer ${ada}`);
    await other.close();
  } finally {
    await Promise.all(running.map(({ stop }) => stop()));
    await rm(folder, { recursive: true, force: true });
  }
});
