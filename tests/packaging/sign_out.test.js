// A sign-out is heard in every tab (rule 7), in three engines with real tabs, a worker and the back/forward cache.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { browser, engines } from "./support/browsers.js";
import { project } from "./support/installed_package.js";
import { site } from "./support/site.js";

/** A page with a provider; what the test does to it stands in `window.page`. */
const page = `<!doctype html><title>a page</title><link rel="icon" href="data:,"><script type="module">
  import { custom_identity_provider, sign_out } from "./node_modules/custom-identity-provider/dist/index.js";
  const heard = [];
  const provider = custom_identity_provider({ organizationId: "organization", identity: () => "somebody", source: "/livechat/token", onEvent: ({ type }) => heard.push(type) });
  const token = () => provider.getToken().then(({ accessToken }) => accessToken, ({ code }) => code);
  window.page = { provider, sign_out, heard, token, hasToken: () => provider.hasToken() };
</script>`;

/** A page that asks for its token all the time, and hears of nothing: so the core lends it answers. `changed` is another answer than the first token. */
const busyPage = `<!doctype html><title>a busy page</title><link rel="icon" href="data:,"><script type="module">
  import { custom_identity_provider, sign_out } from "./node_modules/custom-identity-provider/dist/index.js";
  const provider = custom_identity_provider({ organizationId: "organization", identity: () => "somebody", source: "/livechat/token" });
  const token = () => provider.getToken().then(({ accessToken }) => accessToken, ({ code }) => code);
  const first = await token();
  const { port1, port2 } = new MessageChannel();
  const changed = new Promise((resolve) => {
    port1.onmessage = async () => {
      for (let call = 0; call < 200; call += 1) if ((await token()) !== first) return resolve(true);
      port2.postMessage("on");
    };
  });
  port2.postMessage("on");
  window.page = { sign_out, token, changed };
</script>`;

const workerPage = `<!doctype html><title>a page with a worker</title><link rel="icon" href="data:,"><script>
  const worker = new Worker("./worker.js", { type: "module" });
  window.ask = (what) => new Promise((resolve) => {
    worker.addEventListener("message", ({ data }) => resolve(data), { once: true });
    worker.postMessage(what);
  });
</script>`;

const worker = `
  import { custom_identity_provider, sign_out } from "./node_modules/custom-identity-provider/dist/index.js";
  const provider = custom_identity_provider({ organizationId: "organization", identity: () => "somebody", cache: "memory", source: "/livechat/token" });
  addEventListener("message", async ({ data }) => postMessage(data === "sign_out" ? String(await sign_out()) : data === "hasToken" ? await provider.hasToken() : (await provider.getToken()).accessToken));
  postMessage("ready");
`;

const ready = () =>
  new Promise((resolve) => {
    const look = () => (window.page || window.ask ? resolve(true) : setTimeout(look, 10));
    look();
  });
const token = () => window.page.token();
const hasToken = () => window.page.hasToken();
/** Resolves when the tab has heard of a sign-out; the test ends it where it never does. */
const signedOut = () =>
  new Promise((resolve) => {
    const look = () => (window.page.heard.includes("signed_out") ? resolve(true) : setTimeout(look, 10));
    look();
  });

for (const name of Object.keys(engines)) {
  describe(`a sign-out in ${name}`, { concurrency: false }, () => {
    /** @type {Awaited<ReturnType<typeof browser>>} */
    let engine;
    let served;
    let installed;
    before(async () => {
      installed = project();
      installed.write("page.html", page);
      installed.write("busy.html", busyPage);
      installed.write("prerendered.html", page.replace("window.page =", "await token(); window.page ="));
      installed.write("elsewhere.html", "<!doctype html><title>elsewhere</title><link rel=icon href=data:,>");
      installed.write("worker.html", workerPage);
      installed.write("worker.js", worker);
      served = await site(installed.folder);
      engine = await browser(name);
    });
    after(async () => {
      await engine?.close();
      await served?.close();
      installed?.remove();
    });
    const open = async (path = "page.html") => {
      const tab = await engine.tab(`${served.url}/${path}`);
      await tab.run(ready);
      return tab;
    };
    /** Two tabs that hold a token each. */
    const twoTabs = async () => {
      const tabs = [await open(), await open()];
      for (const tab of tabs) assert.match(await tab.run(token), /^made-by-a-test/);
      return tabs;
    };
    const close = async (...tabs) => {
      for (const tab of tabs) await tab.close();
    };

    // The first tab stays: WebKit's session ends with its last window.
    before(async () => void (await engine.tab(`${served.url}/elsewhere.html`)));

    const leavings = {
      "as it is": () => window.page.sign_out(),
      "and then clears storage": async () => {
        const done = window.page.sign_out();
        localStorage.clear();
        sessionStorage.clear();
        await done;
      },
      "after it cleared storage": () => {
        localStorage.clear();
        return window.page.sign_out();
      },
      "with a full storage": () => {
        for (let size = 1 << 22; size >= 1; size >>= 1) {
          try {
            for (let count = 0; ; count += 1) localStorage.setItem(`filling ${size} ${count}`, "x".repeat(size));
          } catch {
            // Smaller ones may still fit.
          }
        }
        return window.page.sign_out();
      },
      "with a storage that keeps nothing": () => {
        Storage.prototype.setItem = () => {};
        return window.page.sign_out();
      },
      "with localStorage blocked": () => {
        Object.defineProperty(window, "localStorage", {
          get() {
            throw new DOMException("no", "SecurityError");
          },
        });
        return window.page.sign_out();
      },
      "without a channel": () => {
        BroadcastChannel.prototype.postMessage = () => {
          throw new DOMException("no", "InvalidStateError");
        };
        return window.page.sign_out();
      },
    };
    for (const [how, leave] of Object.entries(leavings)) {
      test(`rule 7: a tab that signs out ${how} is heard by the other`, async () => {
        const [here, there] = await twoTabs();
        await here.run(leave);
        await there.run(signedOut);
        assert.equal(await there.run(hasToken), false);
        assert.equal(await here.run(hasToken), false);
        await there.run(() => localStorage.clear());
        await close(here, there);
      });
    }

    test("rule 25: a tab that asks all the time hears every sign-out", async () => {
      for (const leave of Object.values(leavings)) {
        const [here, there] = [await open(), await open("busy.html")];
        await here.run(leave);
        assert.equal(await there.run(() => window.page.changed), true);
        await there.run(() => localStorage.clear());
        await close(here, there);
      }
    });

    test("rule 25: a tab that asks all the time, and has lost its listeners, finds the mark", async () => {
      const [here, there] = [await open(), await open("busy.html")];
      await there.run(() => {
        const kept = window.page;
        document.open();
        document.write("<!doctype html><title>written</title>");
        document.close();
        window.page = kept;
      });
      await here.run(leavings["without a channel"]);
      assert.equal(await there.run(() => window.page.changed), true);
      await close(here, there);
    });

    test("rule 7: a document that was opened anew, and lost its listeners, hears it all the same", async () => {
      const [here, there] = await twoTabs();
      await there.run(() => {
        const kept = window.page;
        document.open();
        document.write("<!doctype html><title>written</title>");
        document.close();
        window.page = kept;
      });
      await here.run(async () => {
        await window.page.sign_out();
        localStorage.clear();
      });
      await there.run(signedOut);
      assert.equal(await there.run(hasToken), false);
      await close(here, there);
    });

    test("rule 7: who is told by the page's own channel finds no token any more", async () => {
      const [here, there] = await twoTabs();
      await there.run(() => {
        const channel = new BroadcastChannel("the page's own");
        window.told = new Promise((resolve) => {
          channel.onmessage = () => resolve(window.page.hasToken());
        });
      });
      await here.run(async () => {
        const channel = new BroadcastChannel("the page's own");
        await window.page.sign_out();
        channel.postMessage("signed out");
      });
      assert.equal(await there.run(() => window.told), false);
      await close(here, there);
    });

    for (const [how, wipe] of [
      ["", () => {}],
      [" and its mark is cleared", () => localStorage.clear()],
    ]) {
      test(`rule 7: a page that comes back from the back/forward cache has no token, when somebody signed out meanwhile${how}`, async (context) => {
        const [here, there] = await twoTabs();
        await there.run(() => {
          // Earlier than the package's own listener no page can hear, but with a listener that captures.
          window.found = [];
          const look = () => window.found.push(window.page.hasToken());
          addEventListener("pageshow", ({ persisted }) => persisted && look(), true);
          // Not as it leaves: then the token is theirs still.
          document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && look(), true);
          window.shown = new Promise((resolve) => addEventListener("pageshow", resolve, { once: true }));
          window.stays = true;
        });
        await there.go(`${served.url}/elsewhere.html`);
        await here.run(() => window.page.sign_out());
        await here.run(wipe);
        await there.back();
        await there.run(ready);
        const wasKept = await there.run(() => window.stays === true);
        context.diagnostic(wasKept ? "the page was kept" : "the page was loaded anew");
        assert.equal(await there.run(hasToken), false);
        if (wasKept) {
          const found = await there.run(() => window.shown.then(() => Promise.all(window.found)));
          assert.deepEqual([found.length > 0, found.includes(true)], [true, false]);
        }
        await there.run(() => localStorage.clear());
        await close(here, there);
      });
    }

    test("rule 7: a page that was prerendered before a sign-out has no token when it is looked at", async (context) => {
      const here = await open();
      await here.run(token);
      const there = await engine.tab(`${served.url}/elsewhere.html`);
      if (!(await there.run(() => HTMLScriptElement.supports?.("speculationrules") === true))) {
        await close(here, there);
        return context.skip("this engine prerenders nothing");
      }
      const issued = served.issued();
      await there.run(() => {
        const rules = document.createElement("script");
        rules.type = "speculationrules";
        rules.textContent = JSON.stringify({ prerender: [{ source: "list", urls: ["/prerendered.html"] }] });
        document.head.append(rules);
      });
      // The prerendered page says by its request that it is there.
      while (served.issued() === issued) await new Promise((resolve) => setTimeout(resolve, 20));
      await here.run(async () => {
        await window.page.sign_out();
        localStorage.clear();
      });
      await there.run(() => void setTimeout(() => location.assign("/prerendered.html")));
      const shown = await engine.tabAt(`${served.url}/prerendered.html`);
      await shown.run(ready);
      context.diagnostic(
        (await shown.run(() => performance.getEntriesByType("navigation")[0].activationStart > 0))
          ? "it was prerendered"
          : "it was loaded anew",
      );
      assert.equal(await shown.run(hasToken), false);
      await close(here, shown);
    });

    test("rule 7: a page hears its worker, and a worker its page", async () => {
      const withWorker = await open("worker.html");
      await withWorker.run(() => window.ask("getToken"));
      const other = await open();
      await other.run(token);
      await withWorker.run(() => window.ask("sign_out"));
      await other.run(signedOut);
      assert.equal(await other.run(hasToken), false);
      await withWorker.run(() => window.ask("getToken"));
      assert.equal(await withWorker.run(() => window.ask("hasToken")), true);
      await other.run(() => window.page.sign_out());
      // The worker has no event of its own to wait for: it is asked until it has heard.
      await withWorker.run(async () => {
        while (await window.ask("hasToken")) await new Promise((resolve) => setTimeout(resolve, 10));
      });
      await close(withWorker, other);
    });

    test("first visits at once, and a tab that clears storage as it starts, are no sign-out", async () => {
      for (let pair = 0; pair < 5; pair += 1) {
        const first = await engine.tab(`${served.url}/elsewhere.html`);
        await first.run(() => localStorage.clear());
        const [one, other] = [await open(), await engine.tab(`${served.url}/elsewhere.html`)];
        const waiting = one.run(token);
        assert.match(await waiting, /^made-by-a-test/);
        await other.run(() => localStorage.clear());
        await other.go(`${served.url}/page.html`);
        await other.run(ready);
        for (const tab of [other, one]) assert.match(await tab.run(token), /^made-by-a-test/);
        for (const tab of [other, one])
          assert.equal(await tab.run(() => window.page.heard.includes("signed_out")), false);
        await close(first, one, other);
      }
    });
  });
}
