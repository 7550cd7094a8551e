// Tabs of one origin, scope and person make one request together (rule 23), in three engines with real tabs.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { browser, engines } from "./support/browsers.js";
import { project } from "./support/installed_package.js";
import { site } from "./support/site.js";

/** A page with a provider that shares; its query says how. What the test does to it stands in `window.page`. */
const page = `<!doctype html><title>a page</title><link rel="icon" href="data:,"><script type="module">
  import { custom_identity_provider, sign_out } from "./node_modules/custom-identity-provider/dist/index.js";
  const query = new URLSearchParams(location.search);
  // Begins together with all others.
  if (query.has("waits")) await new Promise((resolve) => (new BroadcastChannel("the test's own").onmessage = resolve));
  const heard = [];
  const page = { heard, sign_out, person: query.get("person") ?? "somebody", asked: 0 };
  /** The source waits for this. */
  page.gate = query.has("hangs") ? new Promise(() => {}) : undefined;
  const slowly = () => new Promise((resolve) => setTimeout(resolve, Number(query.get("slow") ?? 0)));
  const source = async () => {
    page.asked += 1;
    await page.gate;
    await slowly();
    return (await fetch("/livechat/token", { method: "POST" })).json();
  };
  const provider = custom_identity_provider({
    tabs: query.get("tabs") ?? "share",
    organizationId: "organization",
    identity: () => page.person,
    cache: query.get("cache") ?? "session",
    timeout: Number(query.get("timeout") ?? 10000),
    source,
    onEvent: ({ type }) => heard.push(type),
  });
  const token = (method) => provider[method]().then(({ accessToken }) => accessToken, ({ code }) => code);
  page.token = () => token("getToken");
  page.fresh = () => token("getFreshToken");
  page.provider = provider;
  if (query.has("calls")) page.answers = Promise.all(Array.from({ length: Number(query.get("calls")) }, page.token));
  window.page = page;
</script>`;

/** What a page lacks, or has otherwise than a browser does; runs before the package does. */
const sabotages = {
  "no locks": () => Object.defineProperty(Navigator.prototype, "locks", { value: undefined }),
  "locks that throw": () =>
    Object.defineProperty(Navigator.prototype, "locks", {
      get() {
        throw new DOMException("no", "SecurityError");
      },
    }),
  "locks that refuse": () => {
    LockManager.prototype.request = () => Promise.reject(new DOMException("no", "SecurityError"));
    LockManager.prototype.query = () => Promise.reject(new DOMException("no", "SecurityError"));
  },
  "locks that are never granted": () => {
    LockManager.prototype.request = () => new Promise(() => {});
    LockManager.prototype.query = () => new Promise(() => {});
  },
  "locks that answer with nothing": () => {
    LockManager.prototype.request = () => undefined;
    LockManager.prototype.query = () => undefined;
  },
  "locks that are granted to everybody at once": () => {
    LockManager.prototype.request = async (name, ...rest) => rest.at(-1)({ name });
    LockManager.prototype.query = async () => ({ held: "nonsense" });
  },
  "no channel": () => delete window.BroadcastChannel,
  "a channel that throws": () => {
    window.BroadcastChannel = class {
      constructor() {
        throw new DOMException("no", "SecurityError");
      }
    };
  },
  "a channel that tells nobody": () => {
    BroadcastChannel.prototype.postMessage = () => {};
  },
  "no localStorage": () =>
    Object.defineProperty(window, "localStorage", {
      get() {
        throw new DOMException("no", "SecurityError");
      },
    }),
};

const ready = () =>
  new Promise((resolve) => {
    const look = () => (window.page ? resolve(true) : setTimeout(look, 10));
    look();
  });
const answers = async () => {
  while (!window.page?.answers) await new Promise((resolve) => setTimeout(resolve, 10));
  return window.page.answers;
};
const token = () => window.page.token();
const fresh = () => window.page.fresh();
/** Begins a call, and resolves as soon as it waits for its turn or has it. */
const begin = (method) => {
  window.called = window.page[method]();
};
const called = () => window.called;
/** Resolves when the page's source is asked. */
const isAsked = async () => {
  while (!window.page.asked) await new Promise((resolve) => setTimeout(resolve, 10));
};
/** Resolves when somebody waits in line for the turn. */
const isInLine = async () => {
  while (!(await navigator.locks.query()).held.some(({ name }) => name.endsWith(":next")))
    await new Promise((resolve) => setTimeout(resolve, 10));
};
const MADE = /^made-by-a-test/;

for (const name of Object.keys(engines)) {
  describe(`tabs that share in ${name}`, { concurrency: false }, () => {
    /** @type {Awaited<ReturnType<typeof browser>>} */
    let engine;
    let served;
    let installed;
    let opened = [];
    before(async () => {
      installed = project();
      installed.write("page.html", page);
      installed.write("elsewhere.html", "<!doctype html><title>elsewhere</title><link rel=icon href=data:,>");
      for (const [number, sabotage] of Object.values(sabotages).entries())
        installed.write(`sabotaged-${number}.html`, page.replace("<script", `<script>(${sabotage})()</script><script`));
      served = await site(installed.folder);
      engine = await browser(name);
      // The first tab stays: WebKit's session ends with its last window.
      await engine.tab(`${served.url}/elsewhere.html`);
    });
    after(async () => {
      await engine?.close();
      await served?.close();
      installed?.remove();
    });
    const load = async (path) => {
      const tab = await engine.tab(`${served.url}/${path}`);
      opened.push(tab);
      return tab;
    };
    const open = async (query = "", path = "page.html") => {
      const tab = await load(`${path}?${query}`);
      await tab.run(ready);
      return tab;
    };
    const close = async (tab) => {
      opened = opened.filter((one) => one !== tab);
      await tab.close();
    };
    /** Opens a tab that has the turn: its source is asked, and answers, if it does not hang, when the test lets it. */
    const openAsking = async (query = "") => {
      const tab = await open(query);
      await tab.run(() => {
        window.page.gate ??= new Promise((resolve) => {
          window.open = resolve;
        });
      });
      await tab.run(begin, "token");
      await tab.run(isAsked);
      return tab;
    };
    /** Opens a tab that waits for its turn. */
    const openInLine = async (query = "") => {
      const tab = await open(query);
      await tab.run(begin, "token");
      await tab.run(isInLine);
      return tab;
    };
    /** A test after which nothing of it is left. */
    const rule23 = (what, body) =>
      test(`rule 23: ${what}`, async (context) => {
        try {
          await body(context);
        } finally {
          const [first] = opened;
          await first?.go(`${served.url}/elsewhere.html`);
          await first?.run(() => localStorage.clear());
          for (const tab of [...opened]) await close(tab);
        }
      });
    /** What requests were made while this runs. */
    const requests = async (during) => {
      const before = served.issued();
      await during();
      return served.issued() - before;
    };

    for (const cache of ["session", "memory"]) {
      rule23(`ten tabs at once, and a hundred loads of twenty calls, make one request (cache ${cache})`, async () => {
        const path = `page.html?cache=${cache}&calls=20`;
        const tabs = [];
        const first = await requests(async () => {
          for (let number = 0; number < 10; number += 1) tabs.push(await load(`${path}&waits`));
          const beginning = await load("elsewhere.html");
          await beginning.run(() => new BroadcastChannel("the test's own").postMessage("begin"));
          const found = [];
          for (const tab of tabs) found.push(...(await tab.run(answers)));
          assert.equal(found.length, 200);
          assert.deepEqual([...new Set(found)].length, 1, String([...new Set(found)]));
          assert.match(found[0], MADE);
        });
        assert.equal(first, 1);
        const then = await requests(async () => {
          for (let number = 0; number < 100; number += 1) {
            const tab = tabs[number % 10];
            await tab.go(`${served.url}/${path}&load=${number}`);
            const found = await tab.run(answers);
            assert.match(found[19], MADE);
          }
        });
        assert.equal(then, 0);
      });
    }

    rule23("a tab that comes later is handed the token, which lies in no localStorage", async () => {
      const here = await open();
      const own = await here.run(token);
      const made = await requests(async () => {
        const later = await open("cache=memory");
        assert.equal(await later.run(token), own);
        assert.ok((await later.run(() => window.page.heard)).includes("request_shared"));
        const kept = await later.run(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
        assert.ok(!kept.includes(own));
      });
      assert.equal(made, 0);
    });

    rule23("no name of a lock and no message says who is signed in", async () => {
      const listening = await open("person=somebody-else");
      await listening.run(() => {
        window.messages = [];
        new BroadcastChannel("custom_identity_provider:generation").onmessage = ({ data }) =>
          window.messages.push(JSON.stringify(data));
      });
      const asking = await openAsking("person=a-secret-person&hangs");
      const waiting = await openInLine("person=a-secret-person");
      const locks = await listening.run(async () => JSON.stringify(await navigator.locks.query()));
      assert.match(locks, /custom_identity_provider/);
      const messages = await listening.run(async () => {
        while (window.messages.length < 3) await new Promise((resolve) => setTimeout(resolve, 10));
        return window.messages;
      });
      for (const text of [locks, ...messages]) assert.ok(!text.includes("a-secret-person"), text);
    });

    rule23("a fresh token is not older than the call for it", async () => {
      const [here, there] = [await open(), await open()];
      const old = await here.run(token);
      assert.equal(await there.run(token), old);
      const made = await requests(async () => {
        const found = await there.run(fresh);
        assert.match(found, MADE);
        assert.notEqual(found, old);
      });
      assert.equal(made, 1);
    });

    rule23("what was invalidated does not come back from another tab", async () => {
      const [here, there] = [await open(), await open()];
      const old = await here.run(token);
      assert.equal(await there.run(token), old);
      await there.run(() => window.page.provider.invalidate());
      assert.notEqual(await there.run(token), old);
    });

    rule23("another person is handed nothing", async () => {
      const ann = await open("person=ann");
      const anns = await ann.run(token);
      const bob = await open("person=bob");
      const bobs = await bob.run(token);
      assert.match(bobs, MADE);
      assert.notEqual(bobs, anns);
      // Nor is who becomes another person while the turn is waited for.
      const asking = await openAsking("person=cleo");
      const changing = await openInLine("person=cleo");
      await changing.run(() => {
        window.page.person = "ann";
      });
      await asking.run(() => window.open());
      assert.match(await asking.run(called), MADE);
      assert.equal(await changing.run(called), "IDENTITY_CHANGED");
      assert.equal(await changing.run(token), anns);
    });

    rule23("a source is not asked in the turn of a person who is not there any more", async () => {
      const asking = await openAsking("person=cleo&hangs");
      const changing = await openInLine("person=cleo");
      await changing.run(() => {
        window.page.person = "ann";
      });
      await close(asking);
      assert.equal(await changing.run(called), "IDENTITY_CHANGED");
      assert.equal(await changing.run(() => window.page.asked), 0);
    });

    rule23("guests and people share nothing", async () => {
      const guest = await open();
      await guest.run(() => {
        window.page.person = null;
      });
      const guests = await guest.run(token);
      const person = await open();
      const persons = await person.run(token);
      assert.notEqual(persons, guests);
      const other = await open("cache=memory");
      await other.run(() => {
        window.page.person = null;
      });
      assert.equal(await other.run(token), guests);
    });

    rule23("a sign-out while tabs wait rejects them all, and nothing of before is handed on", async () => {
      const asking = await openAsking();
      const waiting = await openInLine();
      const leaving = await open();
      await leaving.run(() => window.page.sign_out());
      assert.equal(await asking.run(called), "SIGNED_OUT");
      assert.equal(await waiting.run(called), "SIGNED_OUT");
      const made = await requests(async () => {
        await asking.run(() => window.open());
        const after = await waiting.run(token);
        assert.match(after, MADE);
        assert.equal(await leaving.run(token), after);
      });
      // One that was on its way, and one for who came after.
      assert.ok(made <= 2, String(made));
    });

    rule23("a token of before a sign-out is not taken from a tab that did not hear of it", async () => {
      const [here, deaf] = [await open("cache=memory"), await open("cache=memory")];
      const old = await deaf.run(token);
      assert.equal(await here.run(token), old);
      // What a tab says that does not look: the record as it was handed on before.
      await deaf.run(() => {
        const channel = new BroadcastChannel("custom_identity_provider:generation");
        window.said = [];
        channel.onmessage = ({ data }) => {
          if (data.record) window.said.push(data);
          else if (data.scope) for (const one of window.said) channel.postMessage(one);
        };
      });
      const asker = await open("cache=memory");
      assert.equal(await asker.run(token), old);
      await deaf.run(async () => {
        while (!window.said.length) await new Promise((resolve) => setTimeout(resolve, 10));
      });
      await here.run(() => window.page.sign_out());
      const found = await here.run(token);
      assert.match(found, MADE);
      assert.notEqual(found, old);
    });

    rule23("a tab that is closed while it asks makes way at once", async () => {
      const asking = await openAsking("hangs&timeout=600000");
      const waiting = await openInLine("timeout=600000");
      await close(asking);
      assert.match(await waiting.run(called), MADE);
    });

    rule23("a tab that leaves its page while it asks, or while it waits, makes way at once", async (context) => {
      const asking = await openAsking("hangs&timeout=600000");
      const waiting = await openInLine("timeout=600000");
      const last = await open("timeout=600000");
      await last.run(begin, "token");
      const idle = await open();
      for (const tab of [idle, waiting]) await tab.run(() => void (window.stays = true));
      await idle.go(`${served.url}/elsewhere.html`);
      await waiting.go(`${served.url}/elsewhere.html`);
      await asking.go(`${served.url}/elsewhere.html`);
      assert.match(await last.run(called), MADE);
      // Who comes back goes on where it was.
      const wasKept = [];
      for (const tab of [idle, waiting]) {
        await tab.back();
        await tab.run(ready);
        wasKept.push(await tab.run(() => window.stays === true));
      }
      context.diagnostic(wasKept[0] ? "the pages were kept" : "the pages were loaded anew");
      // Firefox decides before it says `pagehide`.
      if (name !== "firefox")
        assert.equal(wasKept[1], wasKept[0], "a place in the line keeps no page out of the back/forward cache");
      assert.match(await waiting.run(token), MADE);
    });

    rule23("a tab that can't go on keeps nobody waiting for long, and one of the others asks for all", async () => {
      const stuck = await load("elsewhere.html");
      await stuck.run(() => {
        const turn = "custom_identity_provider:livechat::organization";
        for (const lock of [turn, `${turn}@${Date.now() + 1000}`])
          navigator.locks.request(lock, () => new Promise(() => {}));
      });
      const tabs = [];
      const made = await requests(async () => {
        // Their own deadlines are later than the test's, and the source takes longer than any of them waits for who is stuck.
        for (let number = 0; number < 4; number += 1) tabs.push(await open("timeout=600000&slow=2500"));
        for (const tab of tabs) await tab.run(begin, "token");
        const found = [];
        for (const tab of tabs) found.push(await tab.run(called));
        assert.match(found[0], MADE);
        assert.equal(new Set(found).size, 1, String(found));
      });
      assert.equal(made, 1);
    });

    rule23("a tab of which nobody knows a deadline is waited for no longer than the own one", async () => {
      const stuck = await load("elsewhere.html");
      await stuck.run(() => {
        const turn = "custom_identity_provider:livechat::organization";
        for (const lock of [turn, `${turn}:next`]) navigator.locks.request(lock, () => new Promise(() => {}));
      });
      const tab = await open("timeout=1000");
      assert.match(await tab.run(token), MADE);
    });

    rule23("a tab that crashed or is frozen while it asks makes way", async (context) => {
      if (name !== "chromium") return context.skip("only Chromium can be told so");
      const asking = await openAsking("hangs&timeout=600000");
      const waiting = await openInLine("timeout=600000");
      await asking.devtools("Page.setWebLifecycleState", { state: "frozen" });
      assert.match(await waiting.run(called), MADE);
      await waiting.run(() => window.page.provider.invalidate());
      await waiting.run(() => {
        window.page.asked = 0;
        window.page.gate = new Promise(() => {});
      });
      await waiting.run(begin, "token");
      await waiting.run(isAsked);
      const last = await open("timeout=600000");
      await last.run(begin, "fresh");
      await last.run(isInLine);
      await waiting.devtools("Page.crash", {}).catch(() => {});
      assert.match(await last.run(called), MADE);
    });

    for (const [number, how] of Object.keys(sabotages).entries()) {
      rule23(`with ${how}, a tab gets its token as without sharing`, async () => {
        const path = `sabotaged-${number}.html`;
        // So long a lock that never comes is waited for; who has a source is not to wait for it.
        const query = how.includes("never") ? "timeout=1000" : "timeout=600000";
        const [one, other] = [await open(query, path), await open(query, path)];
        for (const tab of [one, other]) {
          assert.match(await tab.run(token), MADE);
          assert.match(await tab.run(fresh), MADE);
        }
      });
    }
  });
}
