// Starts the demo's two servers on free ports of this machine, with keys and a database of their own, and stops them.

import { execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("../../", import.meta.url));
const binaries = process.env.SERVER_BINARIES ?? join(root, "target/debug");
const www = process.env.WWW_FOLDER ?? join(root, "www");
const packageFolder = process.env.PACKAGE_FOLDER ?? join(root, "pkg/dist");

/** What a server is given of this process's environment: nothing that could be somebody's real setting. */
const environment = (added) => ({ PATH: process.env.PATH, ...added });

/**
 * Starts a program, and waits for the line in which it says where it listens.
 * @param {string} program
 * @param {string[]} given
 * @param {{addressIn: (line: string) => string | undefined, added?: Record<string, string>, cwd?: string}} settings
 */
export const startProgram = async (program, given, { addressIn, added, cwd = root }) => {
  const child = spawn(program, given, { cwd, env: environment(added), stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  child.stderr.on("data", (data) => (output += data));
  child.stdout.on("data", (data) => (output += data));
  const failed = once(child, "error").then(([error]) =>
    Promise.reject(new Error(`${program}: ${error.message}; build it with cargo build --package demo --bins`)),
  );
  const ended = once(child, "exit").then(([code]) =>
    Promise.reject(new Error(`${program} ended with ${code}: ${output}`)),
  );
  // Both are listened to only until the server is there.
  failed.catch(() => {});
  ended.catch(() => {});
  const listening = (async () => {
    for await (const line of createInterface({ input: child.stdout })) {
      const address = addressIn(line);
      if (address) return address;
    }
    return Promise.reject(new Error(`${program} did not say where it listens: ${output}`));
  })();
  const url = await Promise.race([listening, failed, ended]);
  const stop = async () => {
    if (child.exitCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGTERM");
    // A connection that a fault holds up must not hold up the tests.
    const impatience = setTimeout(() => child.kill("SIGKILL"), 3000);
    await gone;
    clearTimeout(impatience);
  };
  return { url, stop, output: () => output };
};

/** Starts one of the project's own servers, on a free port, which it says in a line of JSON. @param {string} name @param {string[]} given @param {Record<string, string>} added @param {string} [cwd] */
export const start = (name, given, added, cwd) =>
  startProgram(join(binaries, name), [...given, "--listen", "127.0.0.1:0"], {
    added,
    cwd,
    addressIn: (line) => {
      const said = line.startsWith("{") ? JSON.parse(line) : {};
      return said.name === name ? said.listening : undefined;
    },
  });

/** The stand-in for LiveChat's accounts, and the site. */
export const startServers = async ({ shortLifetime = 20 } = {}) => {
  const folder = await mkdtemp(join(tmpdir(), "end-to-end-"));
  const agentToken = randomBytes(24).toString("base64url");
  const secret = { STAND_IN_AGENT_TOKEN: agentToken };
  const standIn = await start("livechat-accounts-stand-in", [], secret);
  let site;
  try {
    const folders = ["--www", www, "--package", packageFolder];
    const given = [
      ...folders,
      "--database-url",
      `sqlite:${join(folder, "customers.sqlite")}`,
      "--stand-in-url",
      standIn.url,
      "--short-lifetime",
      String(shortLifetime),
    ];
    site = await start("demo-site", given, secret);
  } catch (error) {
    await standIn.stop();
    throw error;
  }
  return {
    site: site.url,
    standIn: standIn.url,
    agentToken,
    output: () => site.output() + standIn.output(),
    stop: async () => {
      await Promise.all([site.stop(), standIn.stop()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
};

/**
 * An identity service by itself, for Live Assist, that encrypts its tokens with the given public key (PEM). `sessionSecret` signs its customers'
 * sessions, `adminKey` opens its admin API.
 */
export const startEncryptingService = async (encryptionKey, sessionSecret, adminKey) => {
  const folder = await mkdtemp(join(tmpdir(), "end-to-end-"));
  const keys = ["--signing-keys", join(folder, "keys")];
  const keyFile = join(folder, "live-assist.pem");
  await writeFile(keyFile, encryptionKey);
  await promisify(execFile)(join(binaries, "identity-service"), ["keys", ...keys, "generate"], { env: environment() });
  const given = [
    ...keys,
    "--database-url",
    `sqlite:${join(folder, "customers.sqlite")}`,
    "--issuer",
    "shop.example",
    "--live-assist",
    "--live-assist-encryption-key",
    keyFile,
  ];
  const service = await start("identity-service", given, {
    IDENTITY_SERVICE_SESSION_SECRET: sessionSecret,
    IDENTITY_SERVICE_ADMIN_KEY: adminKey,
  });
  return {
    url: service.url,
    stop: async () => {
      await service.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
};
