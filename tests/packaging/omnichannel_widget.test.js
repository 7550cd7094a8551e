// Omnichannel's running widget with `connectOmnichannel`: one chat for each person, which ends when that person leaves.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import * as esbuild from "esbuild";
import { launch } from "./support/chromium.js";
import { project } from "./support/installed_package.js";
import { omnichannelWidget } from "./support/omnichannel_widget.js";
import { site } from "./support/site.js";

let installed, browser, server;
before(async () => {
  installed = project(["react", "react-dom"]);
  browser = await launch();
  installed.write(
    "connect.js",
    `
    import { StrictMode, createElement, useEffect } from "react";
    import { createRoot } from "react-dom/client";
    import { connectOmnichannel, sign_out } from "custom-identity-provider";
    const Chat = () => {
      useEffect(() => connectOmnichannel(options), []);
      return null;
    };
    const mount = () => {
      const root = createRoot(document.querySelector("main"));
      root.render(createElement(StrictMode, null, createElement(Chat), createElement(Chat)));
      return root;
    };
    Object.assign(globalThis, { connectOmnichannel, mount, sign_out });
  `,
  );
  await esbuild.build({
    entryPoints: [join(installed.folder, "connect.js")],
    outfile: join(installed.folder, "built/connect.js"),
    bundle: true,
    format: "iife",
    define: { "process.env.NODE_ENV": '"development"' },
    logLevel: "error",
  });
  server = await site(installed.folder);
});
after(async () => {
  await server?.close();
  await browser?.close();
  installed?.remove();
});

/** A page on which this person is signed in, with what a test's connection is given; further tabs of it can be opened. */
const open = async (person) => {
  const { page, errors, close } = await browser.page();
  const html = `<!doctype html><title>Shop</title><link rel="icon" href="data:,"><main></main><script src="/built/connect.js"></script><script>
    globalThis.person = ${JSON.stringify(person)};
    globalThis.left = globalThis.asked = 0;
    const encoded = (value) => btoa(JSON.stringify(value)).replace(/=+$/, "");
    globalThis.options = {
      startChat: true, onSignOut: () => { left += 1; },
      identity: () => { asked += 1; return person; },
      source: ({ identity }) => {
        const now = Math.floor(Date.now() / 1000);
        return [encoded({ alg: "RS256" }), encoded({ iss: "shop", sub: identity, iat: now, exp: now + 300 }), "signature"].join(".");
      },
    };
  </script>`;
  await page.context().route(`${server.url}/shop`, (route) => route.fulfill({ contentType: "text/html", body: html }));
  await page.goto(`${server.url}/shop`);
  return {
    page,
    errors,
    close,
    another: async () => {
      const tab = await page.context().newPage();
      await tab.goto(`${server.url}/shop`);
      return tab;
    },
  };
};

const becomes = (page, person) =>
  page.evaluate((person) => {
    globalThis.person = person;
  }, person);
const chats = (page, who) => page.waitForFunction((who) => omnichannel.open === who, who);
const seen = (page) => page.evaluate(() => ({ ...omnichannel, left }));
/** Waits until the page was asked three times more who is there. */
const threeLooks = async (page) => {
  const before = await page.evaluate(() => asked);
  await page.waitForFunction((before) => asked >= before + 3, before);
};

test("rule_08_a_chat_is_closed_when_its_person_leaves_and_the_next_ones_begins_after_that", async () => {
  const { page, errors, close } = await open("ada");
  try {
    await page.evaluate(omnichannelWidget);
    await page.evaluate(() => {
      connectOmnichannel(options);
    });
    await chats(page, "ada");
    await becomes(page, "grace");
    await chats(page, "grace");
    await becomes(page, null);
    await chats(page, null);
    await threeLooks(page);
    assert.deepEqual(await seen(page), {
      open: null,
      begun: ["ada", "grace"],
      starts: 2,
      closed: 2,
      reopened: 0,
      left: 2,
    });
    // Who comes back is served as who comes for the first time.
    await becomes(page, "grace");
    await chats(page, "grace");
    assert.deepEqual(await seen(page), {
      open: "grace",
      begun: ["ada", "grace", "grace"],
      starts: 3,
      closed: 2,
      reopened: 0,
      left: 2,
    });
    assert.deepEqual(await errors(), []);
  } finally {
    await close();
  }
});

test("rule_07_sign_out_closes_the_chat_in_every_tab_and_starts_none_for_who_left", async () => {
  const { page, errors, close, another } = await open("ada");
  try {
    const tab = await another();
    for (const one of [page, tab]) {
      await one.evaluate(omnichannelWidget);
      await one.evaluate(() => {
        connectOmnichannel(options);
      });
      await chats(one, "ada");
    }
    await page.evaluate(() => sign_out());
    for (const one of [page, tab]) {
      await chats(one, null);
      // Also where the page goes on saying that its person is there, and after the moment in which it may correct itself.
      await threeLooks(one);
      assert.deepEqual(await seen(one), { open: null, begun: ["ada"], starts: 1, closed: 1, reopened: 0, left: 1 });
      await becomes(one, "grace");
      await chats(one, "grace");
      assert.equal((await seen(one)).left, 1, "the change that follows a sign-out is one with it");
    }
    assert.deepEqual(await errors(), []);
  } finally {
    await close();
  }
});

test("a chat is started once for a person, however often the page connects, before the widget and after", async () => {
  for (const comesFirst of [true, false]) {
    const { page, errors, close } = await open("ada");
    try {
      if (comesFirst) await page.evaluate(omnichannelWidget);
      await page.evaluate(() => {
        connectOmnichannel(options)();
        for (let mounts = 0; mounts < 3; mounts += 1)
          connectOmnichannel({ ...options, organizationId: `organization-${mounts}` });
      });
      if (!comesFirst) await page.evaluate(omnichannelWidget);
      await chats(page, "ada");
      await threeLooks(page);
      assert.equal((await seen(page)).starts, 1);
      await becomes(page, "grace");
      await chats(page, "grace");
      assert.deepEqual(await seen(page), {
        open: "grace",
        begun: ["ada", "grace"],
        starts: 2,
        closed: 1,
        reopened: 0,
        left: 1,
      });
      // Each of their sessions tells the same sign-out.
      await page.evaluate(() => {
        globalThis.person = null;
        return sign_out();
      });
      await chats(page, null);
      await threeLooks(page);
      assert.deepEqual(await seen(page), {
        open: null,
        begun: ["ada", "grace"],
        starts: 2,
        closed: 2,
        reopened: 0,
        left: 2,
      });
      assert.deepEqual(await errors(), []);
    } finally {
      await close();
    }
  }
});

test("whoever touches the page is looked at before what the page makes of it, so that a chat begun then is not closed as the one of who left", async () => {
  const { page, errors, close } = await open("ada");
  try {
    await page.evaluate(omnichannelWidget);
    await page.evaluate(() => {
      connectOmnichannel({ ...options, startChat: false });
    });
    const looks = await page.evaluate(() =>
      ["pointerdown", "keydown"].map((type) => {
        const before = asked;
        document.querySelector("main").dispatchEvent(new Event(type, { bubbles: true }));
        return asked - before;
      }),
    );
    assert.deepEqual(looks, [1, 1]);
    assert.deepEqual(await errors(), []);
  } finally {
    await close();
  }
});

test("React's StrictMode and remounts start a chat once", async () => {
  const { page, errors, close } = await open("ada");
  try {
    await page.evaluate(omnichannelWidget);
    await page.evaluate(() => {
      globalThis.root = mount();
    });
    await chats(page, "ada");
    await page.evaluate(() => {
      root.unmount();
      mount();
    });
    await threeLooks(page);
    assert.deepEqual(await seen(page), { open: "ada", begun: ["ada"], starts: 1, closed: 0, reopened: 0, left: 0 });
    assert.deepEqual(await errors(), []);
  } finally {
    await close();
  }
});

test("the undo of one of two connections leaves the other's provider and its watch", async () => {
  const { page, errors, close } = await open("ada");
  try {
    await page.evaluate(omnichannelWidget);
    assert.equal(
      await page.evaluate(() => {
        const undo = connectOmnichannel({ ...options });
        connectOmnichannel({ ...options });
        const { SDK } = Microsoft.Omnichannel.LiveChatWidget;
        const first = SDK.getAuthTokenProvider();
        undo();
        return SDK.getAuthTokenProvider() !== first && typeof SDK.getAuthTokenProvider();
      }),
      "function",
    );
    await chats(page, "ada");
    await becomes(page, "grace");
    await chats(page, "grace");
    assert.equal((await seen(page)).left, 1);
    assert.deepEqual(await errors(), []);
  } finally {
    await close();
  }
});

test("an SDK that closes a chat by another name, without a word, not at all, or not without failing keeps nobody waiting", async () => {
  for (const [name, change, closed, said] of [
    [
      "by another name",
      (SDK) => {
        SDK.endChat = SDK.closeChat;
        delete SDK.closeChat;
      },
      1,
      0,
    ],
    [
      "without a word",
      (SDK) => {
        SDK.closeChat = () => {
          omnichannel.open = null;
          omnichannel.closed += 1;
        };
      },
      1,
      0,
    ],
    [
      "not at all",
      (SDK) => {
        delete SDK.closeChat;
        omnichannel.open = null;
      },
      0,
      0,
    ],
    [
      "failing",
      (SDK) => {
        SDK.closeChat = () => {
          omnichannel.open = null;
          throw new Error("broken");
        };
      },
      0,
      1,
    ],
    [
      "rejecting",
      (SDK) => {
        SDK.closeChat = async () => {
          omnichannel.open = null;
          throw new Error("broken");
        };
      },
      0,
      1,
    ],
  ]) {
    const { page, errors, close } = await open("ada");
    try {
      await page.evaluate(omnichannelWidget);
      await page.evaluate(() => {
        connectOmnichannel(options);
      });
      await chats(page, "ada");
      await page.evaluate(`(${change})(Microsoft.Omnichannel.LiveChatWidget.SDK)`);
      await becomes(page, "grace");
      await chats(page, "grace");
      assert.equal((await seen(page)).closed, closed, name);
      assert.deepEqual(
        (await errors()).map((text) => /Omnichannel's SDK failed/.test(text)),
        Array(said).fill(true),
        name,
      );
    } finally {
      await close();
    }
  }
});

test("a chat is started for who signs in on a page where nobody was, and nothing is closed for that", async () => {
  const { page, errors, close } = await open(null);
  try {
    await page.evaluate(omnichannelWidget);
    await page.evaluate(() => {
      connectOmnichannel(options);
    });
    await chats(page, "nobody");
    await page.evaluate(() => {
      omnichannel.open = null;
    });
    await becomes(page, "ada");
    await chats(page, "ada");
    assert.deepEqual(await seen(page), {
      open: "ada",
      begun: ["nobody", "ada"],
      starts: 2,
      closed: 0,
      reopened: 0,
      left: 0,
    });
    assert.deepEqual(await errors(), []);
  } finally {
    await close();
  }
});

test("onSignOut is called once for each sign-out, also of a page that does not say who is there, and what it throws is said", async () => {
  const { page, errors, close } = await open("ada");
  try {
    await page.evaluate(omnichannelWidget);
    await page.evaluate(() => {
      const { identity, ...others } = options;
      connectOmnichannel(others);
      // A session of its own, which tells of the sign-out, too.
      connectOmnichannel({
        ...others,
        organizationId: "other",
        onSignOut: () => {
          throw new Error("broken listener");
        },
      });
    });
    await page.waitForFunction(() => omnichannel.starts === 1);
    for (const times of [1, 2]) {
      await page.evaluate(() => sign_out());
      await page.waitForFunction((times) => left === times && omnichannel.closed === times, times);
    }
    assert.deepEqual(
      (await errors()).map((text) => /onSignOut threw/.test(text)),
      [true, true],
    );
  } finally {
    await close();
  }
});
