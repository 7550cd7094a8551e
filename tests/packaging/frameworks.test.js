// The components of docs/frameworks.md, as they stand there, each mounted by its own framework in Chromium.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import * as esbuild from "esbuild";
import { launch } from "./support/chromium.js";
import { project, root } from "./support/installed_package.js";
import { site } from "./support/site.js";

/**
 * For each component: what stands for the application's own session, and a page around it. Every page has `signIn(user)`, which changes the
 * session as the application would, `mount()` and `unmount()`.
 */
const PAGES = {
  "StoreChat.tsx": {
    main: `
      import { StrictMode, createElement } from "react";
      import { createRoot } from "react-dom/client";
      import { Chat } from "./StoreChat.tsx";
      let user = null;
      let root;
      Object.assign(globalThis, {
        store: { getState: () => ({ user }) },
        signIn: (next) => { user = next; },
        mount: () => {
          root = createRoot(document.querySelector("main"));
          root.render(createElement(StrictMode, null, createElement(Chat)));
        },
        unmount: () => root.unmount(),
      });
    `,
  },
  "HookChat.tsx": {
    main: `
      import { StrictMode, createElement, useState } from "react";
      import { createRoot } from "react-dom/client";
      import { Chat } from "./HookChat.tsx";
      let root;
      Object.assign(globalThis, {
        useUser: () => {
          const [user, setUser] = useState(null);
          globalThis.signIn = setUser;
          return { user };
        },
        mount: () => {
          root = createRoot(document.querySelector("main"));
          root.render(createElement(StrictMode, null, createElement(Chat)));
        },
        unmount: () => root.unmount(),
      });
    `,
  },
  "Chat.vue": {
    "user.js": `
      import { ref } from "vue";
      const user = ref(null);
      export const useUser = () => user;
    `,
    main: `
      import { createApp } from "vue";
      import Chat from "./Chat.vue";
      import { useUser } from "./user.js";
      let app;
      Object.assign(globalThis, {
        signIn: (next) => { useUser().value = next; },
        mount: () => {
          app = createApp(Chat);
          app.mount("main");
        },
        unmount: () => app.unmount(),
      });
    `,
  },
  "chat.component.ts": {
    "user.service.ts": `
      import { signal } from "@angular/core";
      export class UserService {
        readonly current = signal<{ id: string } | null>(null);
      }
    `,
    main: `
      import "zone.js";
      import "@angular/compiler";
      import { createComponent } from "@angular/core";
      import { createApplication } from "@angular/platform-browser";
      import { ChatComponent } from "./chat.component.ts";
      import { UserService } from "./user.service";
      let application, component;
      Object.assign(globalThis, {
        signIn: (next) => application.injector.get(UserService).current.set(next),
        mount: async () => {
          application = await createApplication({ providers: [{ provide: UserService, useFactory: () => new UserService() }] });
          component = createComponent(ChatComponent, {
            environmentInjector: application.injector,
            hostElement: document.querySelector("main"),
          });
          application.attachView(component.hostView);
          application.tick();
        },
        unmount: () => component.destroy(),
      });
    `,
  },
  "Chat.svelte": {
    "user.js": `
      import { writable } from "svelte/store";
      export const user = writable(null);
    `,
    main: `
      import { flushSync, mount, unmount } from "svelte";
      import Chat from "./Chat.svelte";
      import { user } from "./user.js";
      let chat;
      Object.assign(globalThis, {
        signIn: (next) => user.set(next),
        mount: () => {
          chat = mount(Chat, { target: document.querySelector("main") });
          flushSync();
        },
        unmount: () => unmount(chat),
      });
    `,
  },
};

/** Components whose files are no JavaScript, made so by their framework's own compiler. */
const compilers = {
  name: "single-file components",
  setup: ({ onLoad }) => {
    onLoad({ filter: /\.vue$/ }, async ({ path }) => {
      const { compileScript, parse } = await import("vue/compiler-sfc");
      const { descriptor } = parse(await readFile(path, "utf8"), { filename: path });
      return { contents: compileScript(descriptor, { id: "chat", inlineTemplate: true }).content, loader: "js" };
    });
    onLoad({ filter: /\.svelte$/ }, async ({ path }) => {
      const { compile } = await import("svelte/compiler");
      return { contents: compile(await readFile(path, "utf8"), { filename: path }).js.code, loader: "js" };
    });
  },
};

let installed, browser, server, components;
before(async () => {
  installed = project([
    "@angular/common",
    "@angular/compiler",
    "@angular/core",
    "@angular/platform-browser",
    "react",
    "react-dom",
    "rxjs",
    "svelte",
    "vue",
    "zone.js",
  ]);
  const text = await readFile(join(root, "docs/frameworks.md"), "utf8");
  components = [...text.matchAll(/^```\w+\n((?:\/\/|<!--) ([\w.]+).*?)^```/gms)];
  for (const [, component, name] of components) {
    const { main, ...own } = PAGES[name] ?? assert.fail(`no page mounts ${name}`);
    const folder = name.replaceAll(".", "_");
    installed.write(`${folder}/${name}`, component);
    for (const [file, text] of Object.entries(own)) installed.write(`${folder}/${file}`, text);
    await esbuild.build({
      entryPoints: [installed.write(`${folder}/main.js`, main)],
      outdir: join(installed.folder, folder, "built"),
      bundle: true,
      splitting: true,
      format: "esm",
      plugins: [compilers],
      conditions: ["browser", "development"],
      define: { "process.env.NODE_ENV": '"development"' },
      jsx: "automatic",
      target: "es2022",
      tsconfigRaw: { compilerOptions: { experimentalDecorators: true } },
      logLevel: "error",
    });
    installed.write(
      `${folder}/index.html`,
      `<!doctype html><title>${name}</title><link rel="icon" href="data:,"><main></main><script type="module" src="built/main.js"></script>`,
    );
  }
  server = await site(installed.folder);
  browser = await launch();
});
after(async () => {
  await server?.close();
  await browser?.close();
  installed?.remove();
});

test("every component of the page is mounted here", () => {
  assert.deepEqual(components.map(([, , name]) => name).sort(), Object.keys(PAGES).sort());
});

for (const name of Object.keys(PAGES)) {
  test(`${name}: the chat gets the token of who signs in, nothing while nobody is, and is left alone once unmounted`, async () => {
    const { page, errors, close } = await browser.page();
    await page.goto(`${server.url}/${name.replaceAll(".", "_")}/index.html`);
    await page.evaluate(async () => {
      window.__lc = { license: 12345678 };
      await mount();
    });
    const connected = () => typeof window.__lc.custom_identity_provider === "function";
    assert.equal(await page.evaluate(connected), false, "LiveChat's own anonymous customer stays in place");
    await page.evaluate(() => signIn({ id: "ada" }));
    await page.waitForFunction(connected);
    const asked = server.issued();
    const { entityId } = await page.evaluate(() => window.__lc.custom_identity_provider().getToken());
    assert.deepEqual([entityId, server.issued()], ["entity", asked + 1]);
    await page.evaluate(() => signIn(null));
    await page.waitForFunction(() => window.__lc.custom_identity_provider === undefined);
    await page.evaluate(() => signIn({ id: "grace" }));
    await page.waitForFunction(connected);
    await page.evaluate(() => unmount());
    await page.waitForFunction(() => window.__lc.custom_identity_provider === undefined);
    assert.deepEqual(await errors(), []);
    await close();
  });
}
