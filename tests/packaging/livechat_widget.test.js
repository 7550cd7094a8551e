// LiveChat's running widget with `connectLiveChat`: told who is signed in, and taken off the page when that person leaves.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import * as esbuild from "esbuild";
import { launch } from "./support/chromium.js";
import { project } from "./support/installed_package.js";
import { livechatWidget, snippet } from "./support/livechat_widget.js";
import { site } from "./support/site.js";

/** LiveChat's own packages, each in a page that connects our provider and can mount the widget and take it off: `mount()` and `unmount()`. */
const adapters = {
  widget_core: `
    import { createWidget } from "@livechat/widget-core";
    let widget, undo;
    Object.assign(globalThis, {
      mount: () => {
        widget = createWidget({ license: "12345678" });
        undo = connectLiveChat(options);
        widget.init();
      },
      unmount: () => {
        undo();
        widget.destroy();
      },
    });
  `,
  widget_react: `
    import { StrictMode, createElement, useEffect } from "react";
    import { createRoot } from "react-dom/client";
    import { LiveChatWidget } from "@livechat/widget-react";
    const Chat = () => {
      useEffect(() => connectLiveChat(options), []);
      return createElement(LiveChatWidget, { license: "12345678" });
    };
    let root;
    Object.assign(globalThis, {
      mount: () => {
        root = createRoot(document.querySelector("main"));
        root.render(createElement(StrictMode, null, createElement(Chat)));
      },
      unmount: () => root.unmount(),
    });
  `,
  widget_vue: `
    import { createApp, h, onMounted, onUnmounted } from "vue";
    import { LiveChatWidget } from "@livechat/widget-vue";
    const Chat = {
      setup() {
        let undo;
        onMounted(() => { undo = connectLiveChat(options); });
        onUnmounted(() => undo());
        return () => h(LiveChatWidget, { license: "12345678" });
      },
    };
    let app;
    Object.assign(globalThis, {
      mount: () => {
        app = createApp(Chat);
        app.mount("main");
      },
      unmount: () => app.unmount(),
    });
  `,
  widget_angular: `
    import "zone.js";
    import "@angular/compiler";
    import { Component, NgModule } from "@angular/core";
    import { BrowserModule } from "@angular/platform-browser";
    import { platformBrowserDynamic } from "@angular/platform-browser-dynamic";
    import { LiveChatWidgetModule } from "@livechat/widget-angular";
    class Chat {
      ngOnInit() {
        this.undo = connectLiveChat(options);
      }
      ngOnDestroy() {
        this.undo();
      }
    }
    Component({ selector: "main", template: '<livechat-widget license="12345678"></livechat-widget>' })(Chat);
    class Module {}
    NgModule({ declarations: [Chat], imports: [BrowserModule, LiveChatWidgetModule], bootstrap: [Chat] })(Module);
    let module;
    Object.assign(globalThis, {
      mount: async () => {
        // Angular takes its element off the page with the module.
        if (!document.querySelector("main")) document.body.append(document.createElement("main"));
        module = await platformBrowserDynamic().bootstrapModule(Module);
      },
      unmount: () => module.destroy(),
    });
  `,
};

let installed, browser, server;
before(async () => {
  installed = project([
    "@livechat/widget-core",
    "@livechat/widget-react",
    "@livechat/widget-vue",
    "@livechat/widget-angular",
    "react",
    "react-dom",
    "vue",
    "zone.js",
    "@angular/core",
    "@angular/common",
    "@angular/compiler",
    "@angular/platform-browser",
    "@angular/platform-browser-dynamic",
    "rxjs",
  ]);
  browser = await launch();
  installed.write(
    "connect.js",
    `
    import { connectLiveChat, custom_identity_provider, sign_out } from "custom-identity-provider";
    Object.assign(globalThis, { connectLiveChat, custom_identity_provider, sign_out });
  `,
  );
  for (const [name, text] of Object.entries(adapters)) installed.write(`${name}.js`, text);
  await esbuild.build({
    entryPoints: ["connect", ...Object.keys(adapters)].map((name) => join(installed.folder, `${name}.js`)),
    outdir: join(installed.folder, "built"),
    // React mounts twice in its StrictMode in development only.
    bundle: true,
    format: "iife",
    define: { "process.env.NODE_ENV": '"development"', "process.env.PACKAGE_NAME": '"test"' },
    logLevel: "error",
  });
  server = await site(installed.folder);
});
after(async () => {
  await server?.close();
  await browser?.close();
  installed?.remove();
});

const OURS = '<script src="/built/connect.js"></script>';
const script = (text) => `<script>${text}</script>`;
const LICENSE = "window.__lc = window.__lc || {}; window.__lc.license = 12345678;";
const SNIPPET = script(`${LICENSE} ${snippet}`);
/** Who is signed in, a source that knows everybody, and the options that a test adds to. */
const PERSON = (person) =>
  script(`
  globalThis.person = ${JSON.stringify(person)};
  globalThis.left = 0;
  globalThis.options = {
    identity: () => person, onSignOut: () => { left += 1; },
    source: async ({ identity }) => ({ access_token: "token of " + identity, entity_id: String(identity), expires_in: 28800, token_type: "Bearer" }),
  };
`);
const CONNECT = script("globalThis.undo = connectLiveChat(options);");

/** A page of these parts, with LiveChat's widget played by a stand-in; further tabs of it can be opened. */
const open = async (...parts) => {
  const { page, errors, close } = await browser.page();
  const widget = await livechatWidget(page.context());
  const html = `<!doctype html><title>Shop</title><link rel="icon" href="data:,"><body>${parts.join("")}</body>`;
  await page.context().route(`${server.url}/shop`, (route) => route.fulfill({ contentType: "text/html", body: html }));
  await page.goto(`${server.url}/shop`);
  const another = async () => {
    const tab = await page.context().newPage();
    await tab.goto(`${server.url}/shop`);
    return tab;
  };
  return { page, errors, close, widget, another };
};

const ANONYMOUS = "LiveChat's own anonymous customer";
/** Waits until exactly one widget is there, which shows this person's conversation. */
const shows = (page, who) =>
  page.waitForFunction((text) => {
    const frames = [...document.querySelectorAll("#chat-widget-container iframe")].map(
      ({ contentDocument }) => contentDocument.body.textContent,
    );
    return frames.length === 1 && frames[0] === text && livechat.alive === 1;
  }, `The conversation of ${who}.`);
const seen = (page) => page.evaluate(() => ({ begun: livechat.begun, destroyed: livechat.destroyed, left }));
/** Time for whatever a page might still do unasked: it looks who is there at least once in this time. */
const twoLooks = (page) =>
  page.evaluate(async () => {
    const { identity } = options;
    for (let looks = 0; looks < 3; looks += 1) {
      await new Promise((resolve) => {
        const before = asked;
        const wait = () => (asked > before ? resolve() : setTimeout(wait, 20));
        wait();
      });
    }
    void identity;
  });
/** Counts how often the page is asked who is there. */
const COUNTED = script(`
  globalThis.asked = 0;
  { const { identity } = options; options.identity = () => { asked += 1; return identity(); }; }
`);

for (const [name, parts] of Object.entries({
  "comes before it": [SNIPPET, PERSON("ada"), COUNTED, OURS, CONNECT],
  "comes after it": [PERSON("ada"), COUNTED, OURS, CONNECT, SNIPPET],
  "comes after it and makes window.__lc by var": [
    PERSON("ada"),
    COUNTED,
    OURS,
    CONNECT,
    script(`var __lc = {}; __lc.license = 12345678; ${snippet}`),
  ],
  "comes after it and makes window.__lc anew": [
    PERSON("ada"),
    COUNTED,
    OURS,
    CONNECT,
    script(`window.__lc = { license: 12345678 }; ${snippet}`),
  ],
  "made window.__lc by var": [
    script("var __lc = { license: 12345678 };"),
    PERSON("ada"),
    COUNTED,
    OURS,
    CONNECT,
    script(snippet),
  ],
  "froze window.__lc": [
    script("window.__lc = Object.freeze({ license: 12345678 });"),
    PERSON("ada"),
    COUNTED,
    OURS,
    CONNECT,
    script(snippet),
  ],
  "froze what it made by var": [
    script("var __lc = Object.freeze({ license: 12345678 });"),
    PERSON("ada"),
    COUNTED,
    OURS,
    CONNECT,
    script(snippet),
  ],
  "made window.__lc of getters": [
    script("window.__lc = { get license() { return 12345678; }, set custom_identity_provider(value) {} };"),
    PERSON("ada"),
    COUNTED,
    OURS,
    CONNECT,
    script(snippet),
  ],
  "is deferred": [PERSON("ada"), COUNTED, OURS, CONNECT, `<script type="module">${LICENSE} ${snippet}</script>`],
  "is there when it is deferred itself": [
    SNIPPET,
    PERSON("ada"),
    COUNTED,
    '<script defer src="/built/connect.js"></script>',
    '<script type="module">globalThis.undo = connectLiveChat(options);</script>',
  ],
  "puts a provider of its own there": [
    PERSON("ada"),
    COUNTED,
    OURS,
    CONNECT,
    script(
      `window.__lc = { license: 12345678, custom_identity_provider: () => { throw new Error("theirs"); } }; ${snippet}`,
    ),
  ],
}))
  test(`connectLiveChat gives the widget its provider where the snippet ${name}`, async () => {
    const { page, errors, close } = await open(...parts);
    try {
      await shows(page, "ada");
      await twoLooks(page);
      await shows(page, "ada");
      const { begun, left } = await seen(page);
      // A widget that came before us may have begun for LiveChat's own customer.
      assert.deepEqual(
        begun.filter((who) => who !== ANONYMOUS),
        ["ada"],
      );
      assert.equal(left, 0);
      assert.equal(await page.evaluate(() => window.__lc.license), 12345678);
      assert.deepEqual(await errors(), []);
    } finally {
      await close();
    }
  });

test("connectLiveChat's provider is in whatever is put in window.__lc's place, at once, and what it takes the place of comes back with the undo", async () => {
  const { page, errors, close } = await open(PERSON("ada"), COUNTED, OURS, CONNECT);
  try {
    assert.deepEqual(
      await page.evaluate(() => {
        const theirs = () => {};
        const kinds = [];
        for (const value of [
          { license: 1 },
          Object.freeze({ license: 2 }),
          { license: 3 },
          { license: 4, custom_identity_provider: theirs },
        ]) {
          window.__lc = value;
          kinds.push([
            window.__lc.license,
            typeof window.__lc.custom_identity_provider,
            window.__lc.custom_identity_provider === theirs,
          ]);
        }
        undo();
        return { kinds, isTheirs: window.__lc.custom_identity_provider === theirs };
      }),
      { kinds: [1, 2, 3, 4].map((license) => [license, "function", false]), isTheirs: true },
    );
    assert.deepEqual(await errors(), []);
  } finally {
    await close();
  }
});

test("connectLiveChat says once that window.__lc cannot be written, and hurts nobody", async () => {
  const { page, errors, close } = await open(
    script("Object.defineProperty(window, '__lc', { value: Object.freeze({ license: 12345678 }) });"),
    PERSON("ada"),
    COUNTED,
    OURS,
    CONNECT,
    script(snippet),
  );
  try {
    await shows(page, ANONYMOUS);
    await twoLooks(page);
    assert.deepEqual(
      (await errors()).map((text) => /window\.__lc cannot be written/.test(text)),
      [true],
    );
    assert.deepEqual((await seen(page)).begun, [ANONYMOUS]);
  } finally {
    await close();
  }
});

test("connectLiveChat leaves LiveChat's own customer in place while nobody is signed in, and changes over when somebody is", async () => {
  const { page, errors, close } = await open(PERSON(null), COUNTED, OURS, CONNECT, SNIPPET);
  try {
    await shows(page, ANONYMOUS);
    await twoLooks(page);
    assert.deepEqual(await page.evaluate(() => [typeof window.__lc.custom_identity_provider, livechat.begun.length]), [
      "undefined",
      1,
    ]);
    await page.evaluate(() => {
      globalThis.person = "ada";
    });
    await shows(page, "ada");
    assert.deepEqual(await seen(page), { begun: [ANONYMOUS, "ada"], destroyed: 1, left: 0 });
    // A page that signs somebody out without saying so.
    await page.evaluate(() => {
      globalThis.person = null;
    });
    await shows(page, ANONYMOUS);
    assert.deepEqual(await seen(page), { begun: [ANONYMOUS, "ada", ANONYMOUS], destroyed: 2, left: 1 });
    assert.deepEqual(await errors(), []);
  } finally {
    await close();
  }
});

test("connectLiveChat leaves the widget of LiveChat's own customer as it runs where it comes late and nobody is signed in", async () => {
  const { page, errors, close } = await open(SNIPPET, PERSON(null), COUNTED, OURS);
  try {
    await shows(page, ANONYMOUS);
    await page.evaluate(() => {
      globalThis.undo = connectLiveChat(options);
    });
    await twoLooks(page);
    await page.evaluate(() => sign_out());
    await twoLooks(page);
    assert.deepEqual(await seen(page), { begun: [ANONYMOUS], destroyed: 0, left: 0 });
    assert.deepEqual(await errors(), []);
  } finally {
    await close();
  }
});

test("connectLiveChat serves guests by its own provider where the option guests is given", async () => {
  const { page, errors, close } = await open(
    PERSON(null),
    COUNTED,
    OURS,
    script(
      "options.guests = async () => ({ access_token: 'token', entity_id: 'guest', expires_in: 28800, token_type: 'Bearer' });",
    ),
    CONNECT,
    SNIPPET,
  );
  try {
    await shows(page, "guest");
    await page.evaluate(() => {
      globalThis.person = "ada";
    });
    await shows(page, "ada");
    await page.evaluate(() => {
      globalThis.person = null;
      return sign_out();
    });
    await shows(page, "guest");
    assert.deepEqual(await seen(page), { begun: ["guest", "ada", "guest"], destroyed: 2, left: 1 });
    // A guest's token is forgotten by a sign-out as any other: the next one is not served by it.
    await page.evaluate(() => sign_out());
    await page.waitForFunction(() => livechat.begun.length === 4);
    await shows(page, "guest");
    assert.deepEqual(await errors(), []);
  } finally {
    await close();
  }
});

test("rule_08_connectLiveChat_takes_one_persons_widget_off_when_another_signs_in", async () => {
  const { page, errors, close } = await open(PERSON("ada"), COUNTED, OURS, CONNECT, SNIPPET);
  try {
    await shows(page, "ada");
    await page.evaluate(() => {
      globalThis.person = "grace";
    });
    await shows(page, "grace");
    assert.deepEqual(await seen(page), { begun: ["ada", "grace"], destroyed: 1, left: 1 });
    assert.deepEqual(await errors(), []);
  } finally {
    await close();
  }
});

test("rule_07_sign_out_takes_the_widget_off_at_once_in_every_tab_and_it_begins_anew_for_who_is_there", async () => {
  const { page, errors, close, another } = await open(PERSON("ada"), COUNTED, OURS, CONNECT, SNIPPET);
  try {
    const tab = await another();
    for (const one of [page, tab]) await shows(one, "ada");
    await tab.evaluate(() => {
      globalThis.gone = new Promise((resolve) => {
        new MutationObserver(() => document.querySelector("#chat-widget-container") || resolve(true)).observe(
          document.body,
          { childList: true },
        );
      });
    });
    const isThere = await page.evaluate(() => {
      globalThis.person = null;
      void sign_out();
      return Boolean(document.querySelector("#chat-widget-container"));
    });
    assert.equal(isThere, false, "it is gone before anything else can run");
    assert.equal(await tab.evaluate(() => gone), true);
    await shows(page, ANONYMOUS);
    // The other tab has not noticed that its person left; nothing is begun twice for that.
    await tab.evaluate(() => {
      globalThis.person = null;
    });
    await shows(tab, ANONYMOUS);
    for (const one of [page, tab]) {
      await twoLooks(one);
      assert.deepEqual(await seen(one), { begun: ["ada", ANONYMOUS], destroyed: 1, left: 1 });
    }
    assert.deepEqual(await errors(), []);
  } finally {
    await close();
  }
});

test("rule_07_a_page_that_forgets_its_person_after_sign_out_has_its_widget_begun_once", async () => {
  const { page, errors, close } = await open(PERSON("ada"), COUNTED, OURS, CONNECT, SNIPPET);
  try {
    await shows(page, "ada");
    await page.evaluate(async () => {
      await sign_out();
      await new Promise((resolve) => setTimeout(resolve));
      globalThis.person = null;
    });
    await shows(page, ANONYMOUS);
    await twoLooks(page);
    assert.deepEqual(await seen(page), { begun: ["ada", ANONYMOUS], destroyed: 1, left: 1 });
    assert.deepEqual(await errors(), []);
  } finally {
    await close();
  }
});

test("rule_07_who_is_still_there_after_sign_out_is_served_by_a_provider_of_the_new_epoch", async () => {
  const { page, errors, close } = await open(PERSON("ada"), COUNTED, OURS, CONNECT, SNIPPET);
  try {
    await shows(page, "ada");
    await page.evaluate(() => sign_out());
    await page.waitForFunction(() => livechat.begun.length === 2);
    await shows(page, "ada");
    assert.deepEqual(await seen(page), { begun: ["ada", "ada"], destroyed: 1, left: 1 });
    // Who then leaves without a word had been signed out: that is told already.
    await page.evaluate(() => {
      globalThis.person = null;
    });
    await shows(page, ANONYMOUS);
    assert.deepEqual(await seen(page), { begun: ["ada", "ada", ANONYMOUS], destroyed: 2, left: 1 });
    assert.deepEqual(await errors(), []);
  } finally {
    await close();
  }
});

test("connectLiveChat with restart: false takes the widget off and leaves it to the page to begin anew", async () => {
  const { page, errors, close } = await open(
    PERSON("ada"),
    COUNTED,
    OURS,
    script("options.restart = false;"),
    CONNECT,
    SNIPPET,
  );
  try {
    await shows(page, "ada");
    await page.evaluate(() => {
      globalThis.person = "grace";
    });
    await page.waitForFunction(() => livechat.destroyed === 1);
    await twoLooks(page);
    assert.deepEqual(await seen(page), { begun: ["ada"], destroyed: 1, left: 1 });
    // The page's own code still finds LiveChat's object.
    await page.evaluate(() => {
      LiveChatWidget.call("maximize");
      LiveChatWidget.once("ready", () => {
        globalThis.isReady = true;
      });
      LiveChatWidget.init();
    });
    await shows(page, "grace");
    await page.waitForFunction(() => globalThis.isReady);
    assert.deepEqual(await errors(), []);
  } finally {
    await close();
  }
});

test("connectLiveChat twice, and connecting anew after an undo, leave one widget that is never begun again", async () => {
  const { page, errors, close } = await open(
    PERSON("ada"),
    COUNTED,
    OURS,
    CONNECT,
    script("globalThis.second = connectLiveChat(options);"),
    SNIPPET,
  );
  try {
    await shows(page, "ada");
    await page.evaluate(() => {
      undo();
      undo();
    });
    await twoLooks(page);
    assert.equal(
      await page.evaluate(() => typeof window.__lc.custom_identity_provider),
      "function",
      "the other connection stands",
    );
    await page.evaluate(() => {
      second();
      globalThis.third = connectLiveChat(options);
      third();
      globalThis.fourth = connectLiveChat(options);
    });
    await twoLooks(page);
    await shows(page, "ada");
    assert.deepEqual(await seen(page), { begun: ["ada"], destroyed: 0, left: 0 });
    // Which is watched as before.
    await page.evaluate(() => {
      globalThis.person = "grace";
    });
    await shows(page, "grace");
    assert.deepEqual(await seen(page), { begun: ["ada", "grace"], destroyed: 1, left: 1 });
    assert.deepEqual(await errors(), []);
  } finally {
    await close();
  }
});

test("what connectLiveChat did is undone: the provider is taken back, the widget left alone, and nobody is asked any more who is there", async () => {
  const LISTENERS = script(`
    globalThis.listeners = new Set();
    for (const name of ["addEventListener", "removeEventListener"]) {
      const native = globalThis[name];
      globalThis[name] = (type, ...others) => {
        if (type === "focus") listeners[name === "addEventListener" ? "add" : "delete"](others[0]);
        native.call(globalThis, type, ...others);
      };
    }
  `);
  const { page, errors, close } = await open(
    LISTENERS,
    script("window.__lc = { license: 12345678, group: 7 };"),
    PERSON("ada"),
    COUNTED,
    OURS,
    CONNECT,
    SNIPPET,
  );
  try {
    await shows(page, "ada");
    assert.deepEqual(
      await page.evaluate(async () => {
        const listened = listeners.size;
        undo();
        const before = asked;
        globalThis.person = "grace";
        dispatchEvent(new Event("focus"));
        await sign_out();
        const { get, writable } = Object.getOwnPropertyDescriptor(window, "__lc");
        return { __lc: window.__lc, get, writable, asked: asked - before, listened, listens: listeners.size };
      }),
      { __lc: { license: 12345678, group: 7 }, get: undefined, writable: true, asked: 0, listened: 1, listens: 0 },
    );
    assert.deepEqual(await seen(page), { begun: ["ada"], destroyed: 0, left: 0 });
    assert.deepEqual(await errors(), []);
  } finally {
    await close();
  }
});

test("an undo before LiveChat's snippet leaves no window.__lc", async () => {
  const { page, errors, close } = await open(
    PERSON("ada"),
    COUNTED,
    OURS,
    script("options.licenseId = 12345678;"),
    CONNECT,
    script("undo();"),
  );
  try {
    assert.equal(await page.evaluate(() => "__lc" in window), false);
    assert.deepEqual(await errors(), []);
  } finally {
    await close();
  }
});

test("what changed between an undo and the next connection is noticed", async () => {
  const { page, errors, close } = await open(PERSON("ada"), COUNTED, OURS, CONNECT, SNIPPET);
  try {
    await shows(page, "ada");
    await page.evaluate(() => {
      undo();
      globalThis.person = "grace";
      connectLiveChat(options);
    });
    await shows(page, "grace");
    assert.deepEqual(await seen(page), { begun: ["ada", "grace"], destroyed: 1, left: 1 });
    assert.deepEqual(await errors(), []);
  } finally {
    await close();
  }
});

test("a widget that the page began by itself while nothing was connected is taken for LiveChat's own customer's", async () => {
  const { page, errors, close } = await open(PERSON("ada"), COUNTED, OURS, CONNECT, SNIPPET);
  try {
    await shows(page, "ada");
    await page.evaluate(`undo(); LiveChatWidget.call("destroy"); ${snippet}`);
    await shows(page, ANONYMOUS);
    await page.evaluate(() => {
      connectLiveChat(options);
    });
    await shows(page, "ada");
    assert.deepEqual(await seen(page), { begun: ["ada", ANONYMOUS, "ada"], destroyed: 2, left: 0 });
    assert.deepEqual(await errors(), []);
  } finally {
    await close();
  }
});

test("people who change while the next one's widget is being loaded have it loaded once more, and no oftener", async () => {
  const { page, errors, close, widget } = await open(PERSON("ada"), COUNTED, OURS, CONNECT, SNIPPET);
  try {
    await shows(page, "ada");
    const release = widget.hold();
    await page.evaluate(() => {
      globalThis.person = "grace";
    });
    await page.waitForFunction(() => livechat.scripts === 2);
    for (const person of ["ada", "mary", "grace", "joan"]) {
      await page.evaluate((person) => {
        globalThis.person = person;
      }, person);
      await twoLooks(page);
    }
    release();
    await shows(page, "joan");
    await page.waitForFunction(() => livechat.scripts === 3);
    await shows(page, "joan");
    assert.equal(await page.evaluate(() => livechat.destroyed), 2);
    assert.equal(await page.evaluate(() => left), 5);
    assert.deepEqual(await errors(), []);
  } finally {
    await close();
  }
});

test("a widget whose script has not come is not destroyed: it begins for who is there then", async () => {
  const { page, errors, close } = await open(
    PERSON("ada"),
    COUNTED,
    OURS,
    CONNECT,
    script(`${LICENSE} window.__lc.asyncInit = true; ${snippet}`),
  );
  try {
    await page.evaluate(() => {
      globalThis.person = "grace";
    });
    await twoLooks(page);
    assert.deepEqual(await page.evaluate(() => LiveChatWidget._q), []);
    await page.evaluate(() => LiveChatWidget.init());
    await shows(page, "grace");
    assert.deepEqual(await seen(page), { begun: ["grace"], destroyed: 0, left: 1 });
    assert.deepEqual(await errors(), []);
  } finally {
    await close();
  }
});

for (const [from, to] of [
  ["ada", "grace"],
  ["ada", null],
  [null, "ada"],
])
  test(`a widget that is being loaded for ${from ?? "nobody"} begins anew when ${to ?? "nobody"} is there before it is ready`, async () => {
    const { page, errors, close, widget } = await open(PERSON(from), COUNTED, OURS, CONNECT);
    try {
      const release = widget.hold();
      await page.evaluate(`${LICENSE} ${snippet}`);
      await page.waitForFunction(() => window.__lc_inited);
      await page.evaluate((to) => {
        globalThis.person = to;
      }, to);
      await twoLooks(page);
      assert.equal(await page.evaluate(() => livechat.destroyed), 0);
      release();
      await shows(page, to ?? ANONYMOUS);
      await page.waitForFunction(() => livechat.destroyed === 1);
      await shows(page, to ?? ANONYMOUS);
      assert.deepEqual(await errors(), []);
    } finally {
      await close();
    }
  });

test("a widget that throws, is missing or was replaced is said once, and hurts nobody", async () => {
  for (const [name, breakIt, expected] of [
    [
      "throws",
      () => {
        LiveChatWidget.call = () => {
          throw new Error("broken");
        };
      },
      /LiveChatWidget\.call\("destroy"\) failed/,
    ],
    [
      "is missing",
      () => {
        delete globalThis.LiveChatWidget;
      },
      /LiveChatWidget is missing/,
    ],
    [
      "was replaced",
      () => {
        globalThis.LiveChatWidget = "a string";
      },
      /LiveChatWidget is missing/,
    ],
    [
      "has a getter that throws",
      () => {
        Object.defineProperty(globalThis, "LiveChatWidget", {
          configurable: true,
          get: () => {
            throw new Error("no");
          },
        });
      },
      /LiveChatWidget is missing/,
    ],
  ]) {
    const { page, errors, close } = await open(PERSON("ada"), COUNTED, OURS, CONNECT, SNIPPET);
    try {
      await shows(page, "ada");
      await page.evaluate(breakIt);
      for (const person of ["grace", null, "ada"]) {
        await page.evaluate((person) => {
          globalThis.person = person;
        }, person);
        await twoLooks(page);
      }
      const said = await errors();
      assert.deepEqual([said.length, expected.test(said[0])], [1, true], `${name}: ${said}`);
      assert.equal(await page.evaluate(() => left), 2, "the page is told all the same");
    } finally {
      await close();
    }
  }
});

test("what onSignOut throws or rejects with is said, and the widget begins anew all the same", async () => {
  for (const broken of [
    "() => { throw new Error('broken listener'); }",
    "async () => { throw new Error('broken listener'); }",
  ]) {
    const { page, errors, close } = await open(
      PERSON("ada"),
      COUNTED,
      OURS,
      script(`options.onSignOut = ${broken};`),
      CONNECT,
      SNIPPET,
    );
    try {
      await shows(page, "ada");
      await page.evaluate(() => {
        globalThis.person = null;
        return sign_out();
      });
      await shows(page, ANONYMOUS);
      assert.deepEqual(
        (await errors()).map((text) => /onSignOut threw/.test(text)),
        [true],
      );
    } finally {
      await close();
    }
  }
});

test("an identity that cannot tell changes nothing until it can", async () => {
  const { page, errors, close } = await open(PERSON("ada"), COUNTED, OURS, CONNECT, SNIPPET);
  try {
    await shows(page, "ada");
    await page.evaluate(() => {
      globalThis.people = [
        () => {
          throw new Error("not yet");
        },
        () => "",
        () => Promise.resolve("ada"),
      ];
      Object.defineProperty(globalThis, "person", { configurable: true, get: () => people[asked % 3]() });
    });
    await twoLooks(page);
    assert.deepEqual(await seen(page), { begun: ["ada"], destroyed: 0, left: 0 });
    await page.evaluate(() => Object.defineProperty(globalThis, "person", { configurable: true, get: () => "grace" }));
    await shows(page, "grace");
    // Each of its mistakes is said once.
    assert.deepEqual(
      (await errors()).map((text) => /the function given as identity/.test(text)),
      [true, true, true],
    );
  } finally {
    await close();
  }
});

test("connectLiveChat names a wrong option at once", async () => {
  const { page, errors, close } = await open(PERSON("ada"), OURS);
  try {
    assert.deepEqual(
      await page.evaluate(() =>
        [
          { restart: "no" },
          { onSignOut: 7 },
          { source: 7 },
          { identity: "ada" },
          { licenseId: "x" },
          { sauce: 1 },
          { source: undefined },
        ].map((wrong) => {
          try {
            return connectLiveChat({ ...options, ...wrong }) && "connected";
          } catch (error) {
            return [error.code, error.message.match(/option (\w+)/)[1]].join(" ");
          }
        }),
      ),
      [
        "BAD_OPTION restart",
        "BAD_OPTION onSignOut",
        "BAD_OPTION source",
        "BAD_OPTION identity",
        "BAD_OPTION licenseId",
        "BAD_OPTION sauce",
        "BAD_OPTION source",
      ],
    );
    assert.equal(await page.evaluate(() => "__lc" in window), false);
    assert.deepEqual(
      (await errors()).filter((text) => !/the option \w+ is wrong/.test(text)),
      [],
    );
  } finally {
    await close();
  }
});

test("a widget that LiveChat's own package is still loading when the person changes can be taken off by that package afterwards", async () => {
  const { page, errors, close, widget } = await open(
    PERSON("ada"),
    COUNTED,
    OURS,
    "<main></main>",
    '<script src="/built/widget_react.js"></script>',
  );
  try {
    const release = widget.hold();
    await page.evaluate(() => mount());
    await page.waitForFunction(() => window.__lc_inited);
    await page.evaluate(() => {
      globalThis.person = "grace";
    });
    await twoLooks(page);
    release();
    await page.waitForFunction(() => livechat.destroyed === 1);
    await shows(page, "grace");
    await page.evaluate(() => unmount());
    await page.waitForFunction(() => livechat.alive === 0);
    assert.deepEqual(await errors(), []);
  } finally {
    await close();
  }
});

for (const adapter of Object.keys(adapters))
  test(`connectLiveChat looks after the widget of @livechat/${adapter.replace("_", "-")}${adapter === "widget_react" ? ", also in StrictMode" : ""}`, async () => {
    const { page, errors, close } = await open(
      PERSON(null),
      COUNTED,
      OURS,
      "<main></main>",
      `<script src="/built/${adapter}.js"></script>`,
    );
    try {
      await page.evaluate(() => mount());
      await shows(page, ANONYMOUS);
      for (const person of ["ada", "grace", null]) {
        await page.evaluate((person) => {
          globalThis.person = person;
        }, person);
        await shows(page, person ?? ANONYMOUS);
      }
      await page.evaluate(() => {
        globalThis.person = "ada";
      });
      await shows(page, "ada");
      assert.deepEqual(await seen(page), {
        begun: [ANONYMOUS, "ada", "grace", ANONYMOUS, "ada"],
        destroyed: 4,
        left: 2,
      });
      await page.evaluate(() => {
        globalThis.person = null;
        return sign_out();
      });
      await shows(page, ANONYMOUS);
      assert.equal(await page.evaluate(() => left), 3);
      // The package's own end of the widget still works, and so does another beginning.
      await page.evaluate(() => {
        globalThis.person = "ada";
        unmount();
      });
      await page.waitForFunction(() => livechat.alive === 0 && !document.querySelector("#chat-widget-container"));
      await page.evaluate(() => mount());
      await shows(page, "ada");
      await twoLooks(page);
      await shows(page, "ada");
      assert.equal(await page.evaluate(() => livechat.begun.at(-2)), ANONYMOUS, "it began once");
      assert.deepEqual(await errors(), []);
    } finally {
      await close();
    }
  });
