// Packs the package as `npm publish` would, and installs the tarball into projects of their own.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../../..", import.meta.url));
const packages = fileURLToPath(new URL("../node_modules", import.meta.url));

const npm = (folder, ...args) =>
  execFileSync("npm", args, { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });

/** Packs pkg/ into a folder; answers with what npm says about the tarball. */
export function pack(folder) {
  const [packed] = JSON.parse(npm(join(root, "pkg"), "pack", "--json", "--pack-destination", folder));
  return { ...packed, path: join(folder, packed.filename) };
}

/**
 * A project outside of this repository, with the packed package installed and nothing else.
 * @param {string[]} neighbours packages of this folder that the project sees too
 * @param {string} [within] the folder that it is made in; it sees the packages of the folders around it, too
 */
export function project(neighbours = [], within = tmpdir()) {
  const folder = realpathSync(mkdtempSync(join(within, "custom-identity-provider-")));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "project", private: true, type: "module" }));
  npm(folder, "install", "--offline", "--ignore-scripts", "--no-audit", "--no-fund", pack(folder).path);
  for (const name of neighbours) {
    const link = join(folder, "node_modules", name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(packages, name), link);
  }
  return {
    folder,
    package: join(folder, "node_modules/custom-identity-provider"),
    /** Writes a file of the project; answers with its path. */
    write(name, text) {
      const path = join(folder, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
      return path;
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
