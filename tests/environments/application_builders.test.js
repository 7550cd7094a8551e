// The packed package in applications of Angular, SvelteKit and Astro: built for production, rendered where the framework does that, and used in Chromium.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { after, before, test } from "node:test";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Architect } from "@angular-devkit/architect";
import { WorkspaceNodeModulesArchitectHost } from "@angular-devkit/architect/node/index.js";
import { logging, schema, workspaces } from "@angular-devkit/core";
import { NodeJsSyncHost } from "@angular-devkit/core/node/index.js";
import { application, useInBrowser } from "../packaging/support/application.js";
import { launch } from "../packaging/support/chromium.js";
import { project } from "../packaging/support/installed_package.js";
import { site } from "../packaging/support/site.js";

const here = fileURLToPath(new URL(".", import.meta.url));
const HEAD = `<meta charset="utf-8"><title>Built</title><link rel="icon" href="data:,">`;

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

/** Runs a tool of this folder in the project; answers with what it complained of. */
const run = (folder, ...words) => {
  const [tool, ...rest] = words;
  const { status, stdout, stderr, error } = spawnSync(process.execPath, [join(here, "node_modules", tool), ...rest], {
    cwd: folder,
    encoding: "utf8",
    timeout: 240_000,
    env: { ...process.env, NO_COLOR: "1", CI: "1", ASTRO_TELEMETRY_DISABLED: "1" },
  });
  assert.equal(status, 0, `${error ?? ""}${stdout}${stderr}`);
  return `${stdout}\n${stderr}`.split("\n").filter((line) => /warn|⚠|unsupported|could not/i.test(line));
};

/** The application builder of `ng build`, by which the command runs it. */
const angular = async (folder) => {
  const host = workspaces.createWorkspaceHost(new NodeJsSyncHost());
  const { workspace } = await workspaces.readWorkspace(join(folder, "angular.json"), host);
  const registry = new schema.CoreSchemaRegistry();
  registry.addPostTransform(schema.transforms.addUndefinedDefaults);
  const architect = new Architect(new WorkspaceNodeModulesArchitectHost(workspace, folder), registry);
  const logger = new logging.Logger("build");
  const said = [];
  logger.subscribe(({ level, message }) => {
    if (level !== "info" && level !== "debug") said.push(message);
  });
  const started = await architect.scheduleTarget({ project: "application", target: "build" }, {}, { logger });
  const { success } = await started.result;
  await started.stop();
  assert.ok(success, said.join("\n"));
  return said;
};

/** Each framework: the files of an application, how it is built, and where that is left. */
const FRAMEWORKS = {
  Angular: {
    files: {
      "angular.json": JSON.stringify({
        version: 1,
        cli: { analytics: false, cache: { enabled: false } },
        projects: {
          application: {
            projectType: "application",
            root: "",
            sourceRoot: "src",
            architect: {
              build: {
                builder: "@angular/build:application",
                options: {
                  browser: "src/main.ts",
                  index: "src/index.html",
                  tsConfig: "tsconfig.json",
                  outputPath: { base: "dist", browser: "" },
                  optimization: true,
                  outputHashing: "all",
                },
              },
            },
          },
        },
      }),
      "tsconfig.json": JSON.stringify({
        compilerOptions: {
          target: "ES2022",
          module: "preserve",
          moduleResolution: "bundler",
          lib: ["ES2022", "dom"],
          strict: true,
          allowJs: true,
          types: [],
          skipLibCheck: true,
        },
        files: ["src/main.ts"],
      }),
      "src/index.html": `<!doctype html><html><head>${HEAD}<base href="/"></head><body><app-root></app-root></body></html>`,
      "src/main.ts": `
        import { Component, provideZonelessChangeDetection } from "@angular/core";
        import { bootstrapApplication } from "@angular/platform-browser";
        import "./application.js";
        @Component({ selector: "app-root", template: "<p>Angular</p>" })
        class App {}
        bootstrapApplication(App, { providers: [provideZonelessChangeDetection()] });
      `,
      "src/application.js": application(),
    },
    build: angular,
    output: "dist",
  },
  SvelteKit: {
    files: {
      "svelte.config.js": `import adapter from "@sveltejs/adapter-static"; export default { kit: { adapter: adapter() } };`,
      "vite.config.js": `import { sveltekit } from "@sveltejs/kit/vite"; export default { plugins: [sveltekit()] };`,
      "src/app.html": `<!doctype html><html><head>${HEAD}%sveltekit.head%</head><body><div>%sveltekit.body%</div></body></html>`,
      "src/routes/+page.js": `export const prerender = true;`,
      "src/routes/+page.svelte": `<script>import "../lib/application.js";</script><p>SvelteKit</p>`,
      "src/lib/application.js": application(),
    },
    build: (folder) => run(folder, "vite/bin/vite.js", "build"),
    output: "build",
  },
  Astro: {
    files: {
      "astro.config.mjs": `export default { devToolbar: { enabled: false } };`,
      "src/pages/index.astro": `---\nimport "../application.js";\n---\n<html><head>${HEAD}</head><body><p>Astro</p><script>import "../application.js";</script></body></html>`,
      "src/application.js": application(),
    },
    build: (folder) => run(folder, "astro/astro.js", "build"),
    output: "dist",
  },
};

for (const [name, { files, build, output }] of Object.entries(FRAMEWORKS)) {
  test(`${name}: built without a warning; the core comes in a chunk of its own, after the first factory call`, async () => {
    const made = project([], here);
    try {
      for (const [path, text] of Object.entries(files)) made.write(path, text);
      assert.deepEqual(await build(made.folder), []);
      const server = await site(join(made.folder, output));
      try {
        const came = await useInBrowser(browser, `${server.url}/index.html`);
        assert.deepEqual(came, { form: "webassembly", webassembly: "call" });
        const again = await useInBrowser(browser, `${server.url}/index.html`, { failing: true });
        assert.deepEqual(again, came, "where the chunk could not be had at first");
      } finally {
        await server.close();
      }
    } finally {
      made.remove();
    }
  });
}
