// What is in the tarball, and what package.json promises about it.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { pack, project, root } from "./support/installed_package.js";

let installed;
before(() => {
  installed = project([
    "@angular/core",
    "@livechat/customer-sdk",
    "@livechat/customer-auth",
    "@livechat/widget-core",
    "@livechat/widget-react",
    "@microsoft/omnichannel-chat-sdk",
    "@types/react",
    "rxjs",
  ]);
});
after(() => installed?.remove());

/** Type-checks files of the project. */
const check = (files, settings) => {
  const tsc = join(root, "tests/packaging/node_modules/.bin/tsc");
  const common = ["--strict", "--noEmit", "--ignoreConfig", "--target", "es2022", "--lib", "es2022,dom", "--types", ""];
  const { status, stdout } = spawnSync(tsc, [...common, ...settings, ...files], {
    cwd: installed.folder,
    encoding: "utf8",
  });
  assert.equal(status, 0, `${settings.join(" ")}: ${stdout}`);
};

const manifest = () => JSON.parse(readFileSync(join(installed.package, "package.json"), "utf8"));

test("the tarball holds exactly these files", () => {
  assert.deepEqual(
    pack(installed.folder)
      .files.map((file) => file.path)
      .sort(),
    [
      "LICENSE-APACHE",
      "LICENSE-MIT",
      "README.md",
      "dist/custom_identity_provider.wasm",
      "dist/index.cjs",
      "dist/index.d.cts",
      "dist/index.js",
      "dist/script.js",
      "dist/slim.js",
      "index.d.ts",
      "package.json",
      "script.d.ts",
      "slim.d.ts",
    ],
  );
});

test("every path in package.json exists in the tarball", () => {
  const { main, types, unpkg, jsdelivr, sideEffects, exports } = manifest();
  const named = (target) => (typeof target === "string" ? [target] : Object.values(target).flatMap(named));
  const paths = [main, types, unpkg, jsdelivr, ...sideEffects, ...named(exports)];
  for (const path of paths) assert.ok(existsSync(join(installed.package, path)), path);
});

test("installing it brings no other package", () => {
  const { dependencies, peerDependencies, optionalDependencies, scripts } = manifest();
  assert.deepEqual(
    [dependencies, peerDependencies, optionalDependencies, scripts],
    [undefined, undefined, undefined, undefined],
  );
});

test("every example of the README and of docs/ passes TypeScript, by LiveChat's and Microsoft's own types", () => {
  const context = `
    import type { CustomIdentityProvider } from "@livechat/widget-core";
    declare global {
      interface Window { __lc: { custom_identity_provider?: CustomIdentityProvider } }
      var session: { user?: { id: string } };
    }
  `;
  const docs = join(root, "docs");
  const pages = [
    join(installed.package, "README.md"),
    ...readdirSync(docs)
      .filter((name) => name.endsWith(".md"))
      .map((name) => join(docs, name)),
  ];
  const examples = pages.flatMap((page) => [...readFileSync(page, "utf8").matchAll(/^```tsx?\n(.*?)^```/gms)]);
  const [example] = [...readFileSync(join(root, "README.md"), "utf8").matchAll(/^```js\n(.*?)^```/gms)];
  examples.push(example);
  assert.ok(examples.length >= 20);
  // Of the application of docs/frameworks.md that has one.
  const own = `import { signal } from "@angular/core"; export class UserService { readonly current = signal<{ id: string } | null>(null); }`;
  installed.write("user.service.ts", own);
  // Each is a module of its own.
  const files = examples.map(([, example], index) =>
    installed.write(`example_${index}.tsx`, `${example}${index === 0 ? context : ""}`),
  );
  check(files, [
    "--module",
    "esnext",
    "--moduleResolution",
    "bundler",
    "--jsx",
    "react-jsx",
    "--experimentalDecorators",
    "--skipLibCheck",
    "true",
  ]);
});

test("every link of the README and of docs/ leads to a file, and to a heading that is there", () => {
  const headings = (text) =>
    [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
      heading
        .toLowerCase()
        .replace(/[^\w\- ]/g, "")
        .replaceAll(" ", "-"),
    );
  const docs = readdirSync(join(root, "docs")).filter((name) => name.endsWith(".md"));
  let count = 0;
  for (const page of ["README.md", ...docs.map((name) => `docs/${name}`)]) {
    const text = readFileSync(join(root, page), "utf8");
    for (const [, target] of text.matchAll(/\]\((?!https?:)([^)]+)\)/g)) {
      const [path, fragment] = target.split("#");
      const file = path ? join(root, dirname(page), path) : join(root, page);
      assert.ok(existsSync(file), `${page}: ${target}`);
      if (fragment) assert.ok(headings(readFileSync(file, "utf8")).includes(fragment), `${page}: ${target}`);
      count += 1;
    }
  }
  assert.ok(count >= 40);
});

test("the README's table has every error code, and no other", () => {
  const codes = (text) => [...new Set(text.match(/[A-Z]+(_[A-Z]+)+|NETWORK|REFUSED|UNAVAILABLE/g))].sort();
  const declared = readFileSync(join(installed.package, "index.d.ts"), "utf8")
    .match(/IdentityErrorCode =\n(.*?);\n\n/s)[1]
    .match(/\| "[A-Z_]+"/g);
  const rows = readFileSync(join(installed.package, "README.md"), "utf8").match(/^\| `[A-Z_]+` \|/gm);
  assert.deepEqual(codes(rows.join()), codes(declared.join()));
});

test("it is licensed as the repository is", () => {
  assert.equal(manifest().license, "MIT OR Apache-2.0");
  for (const name of ["LICENSE-MIT", "LICENSE-APACHE"]) {
    assert.equal(readFileSync(join(installed.package, name), "utf8"), readFileSync(join(root, name), "utf8"), name);
  }
});

test("the types resolve for bundlers and for Node, each entry its own", () => {
  installed.write(
    "application.ts",
    `
    import { custom_identity_provider, IdentityError, type Token } from "custom-identity-provider";
    import { init, sign_out } from "custom-identity-provider/slim";
    import "custom-identity-provider/script";
    const token: Promise<Token> = custom_identity_provider({ licenseId: 1, identity: null, source: "/livechat/token" }).getToken();
    const code: string = new IdentityError("NETWORK", "unreachable").code;
    const ready: Promise<void> = init("/custom_identity_provider.wasm").then(sign_out);
    globalThis.custom_identity_provider.configure({ licenseId: 1 });
    // @ts-expect-error the types are there: this is no any
    const wrong: number = custom_identity_provider().hasToken();
    export { token, code, ready, wrong };
  `,
  );
  for (const [module, resolution] of [
    ["esnext", "bundler"],
    ["node16", "node16"],
    ["nodenext", "nodenext"],
  ]) {
    check(["application.ts"], ["--module", module, "--moduleResolution", resolution, "--skipLibCheck", "false"]);
  }
});

test("who calls require gets types of a CommonJS module, with the same things in it", () => {
  installed.write(
    "application.cts",
    `
    import library = require("custom-identity-provider");
    import { custom_identity_provider, IdentityError, type Token } from "custom-identity-provider";
    const token: Promise<Token> = custom_identity_provider({ licenseId: 1, identity: null, source: "/livechat/token" }).getToken();
    const code: string = new IdentityError("NETWORK", "unreachable").code;
    // @ts-expect-error the types are there: this is no any
    const wrong: number = library.sign_out();
    export = { token, code, wrong };
  `,
  );
  for (const resolution of ["node16", "nodenext"]) {
    check(["application.cts"], ["--module", resolution, "--moduleResolution", resolution, "--skipLibCheck", "false"]);
  }
});
