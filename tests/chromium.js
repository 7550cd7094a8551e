// Which Chromium the tests in Node drive, and how it is started.

export const path = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** Without a sandbox, which root has none of, and without work of its own behind a test's back. */
export const flags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
