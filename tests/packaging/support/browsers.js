// Chromium, Firefox and WebKit by their WebDrivers, each with real tabs.

import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { Builder } from "selenium-webdriver";
import { flags, path } from "../../chromium.js";

const chromium = {
  browserName: "chrome",
  "goog:chromeOptions": { binary: path, args: ["--headless", ...flags] },
};
const firefox = {
  browserName: "firefox",
  "moz:firefoxOptions": { args: ["-headless"], prefs: { "network.proxy.type": 0 } },
};
const onMacos = process.platform === "darwin";
const webkit = { browserName: onMacos ? "safari" : "MiniBrowser" };

/** The engines, and what starts each one's driver on a port. */
export const engines = {
  chromium: {
    capabilities: chromium,
    command: (port) => [process.env.CHROMEDRIVER ?? "chromedriver", `--port=${port}`],
  },
  firefox: {
    capabilities: firefox,
    command: (port) => [process.env.GECKODRIVER ?? "geckodriver", "--port", String(port), "--websocket-port", "0"],
  },
  webkit: {
    capabilities: webkit,
    // WebKitGTK has no headless mode, and gets a display of its own; Safari uses the person's.
    command: (port) => [
      ...(onMacos ? ["safaridriver"] : ["xvfb-run", "--auto-servernum", process.env.WEBKITDRIVER ?? "WebKitWebDriver"]),
      `--port=${port}`,
    ],
  },
};

const freePort = () =>
  new Promise((resolve, reject) => {
    const server = createServer().on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
      server.close(() => resolve(port));
    });
  });

/** Starts a browser; `tab(url)` opens a real tab, whose `run(function, ...arguments)` runs an async function in its page. */
export async function browser(name) {
  const { capabilities, command } = engines[name];
  const port = await freePort();
  const [program, ...words] = command(port);
  const driver = spawn(program, words, { stdio: "ignore", detached: true });
  const failed = new Promise((_, reject) => driver.once("error", reject));
  const end = () => {
    // Without a process there is no group of its own; group 0 would be ours.
    if (driver.pid === undefined) return;
    try {
      process.kill(-driver.pid);
    } catch {
      // It ended by itself.
    }
  };
  try {
    const server = `http://127.0.0.1:${port}`;
    const isReady = async () => {
      try {
        return (await (await fetch(`${server}/status`)).json()).value.ready;
      } catch {
        return false;
      }
    };
    // A driver says by its status alone that it listens.
    while (!(await Promise.race([isReady(), failed]))) await new Promise((resolve) => setTimeout(resolve, 50));
    const session = await new Builder().usingServer(server).withCapabilities(capabilities).build();
    await session.manage().setTimeouts({ script: 30_000, pageLoad: 30_000 });
    const first = await session.getWindowHandle();
    let isFirstUsed = false;
    const tabOf = (handle) => {
      const here = () => session.switchTo().window(handle);
      return {
        async go(address) {
          await here();
          await session.get(address);
        },
        async back() {
          await here();
          await session.navigate().back();
        },
        async run(code, ...given) {
          await here();
          const answer = await session.executeAsyncScript(
            `const done = arguments[arguments.length - 1];
             (async () => (${code})(...Array.from(arguments).slice(0, -1)))().then((value) => done({ value }), (error) => done({ error: String(error?.stack ?? error) }));`,
            ...given,
          );
          if (answer.error) throw new Error(answer.error);
          return answer.value;
        },
        /** Chromium's own commands. */
        async devtools(command, parameters) {
          await here();
          await /** @type {any} */ (session).sendDevToolsCommand(command, parameters);
        },
        async close() {
          await here();
          await session.close();
          await session.switchTo().window(first);
        },
      };
    };
    const tab = async (url) => {
      if (isFirstUsed) await session.switchTo().newWindow("tab");
      else await session.switchTo().window(first);
      isFirstUsed = true;
      const opened = tabOf(await session.getWindowHandle());
      await opened.go(url);
      return opened;
    };
    /** The tab that shows this address, as soon as there is one: a page that was prerendered comes with a tab of its own for the driver. */
    const tabAt = async (url) => {
      for (;;) {
        for (const handle of await session.getAllWindowHandles()) {
          try {
            await session.switchTo().window(handle);
            if ((await session.getCurrentUrl()) === url) return tabOf(handle);
          } catch {
            // It was just closed.
          }
        }
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };
    return {
      tab,
      tabAt,
      version: async () => (await session.getCapabilities()).getBrowserVersion(),
      close: async () => {
        await session.quit().catch(() => {});
        end();
      },
    };
  } catch (error) {
    end();
    throw error;
  }
}
