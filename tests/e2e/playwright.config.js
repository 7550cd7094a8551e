// How the demo is driven: Debian's Chromium, a fresh pair of servers for each test.

import { fileURLToPath } from "node:url";

import { defineConfig } from "@playwright/test";
import { flags, path } from "../chromium.js";

const target = fileURLToPath(new URL("../../target/", import.meta.url));

export default defineConfig({
  testDir: ".",
  testMatch: "*.spec.js",
  outputDir: `${target}end-to-end`,
  reporter: "list",
  fullyParallel: true,
  workers: 2,
  forbidOnly: true,
  retries: 0,
  timeout: 60_000,
  expect: { timeout: 15_000 },
  use: {
    locale: "en-GB",
    viewport: { width: 1280, height: 800 },
    screenshot: "off",
    launchOptions: { executablePath: path, args: flags },
  },
});
