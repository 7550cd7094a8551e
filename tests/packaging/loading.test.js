// The face and the core behind it: what is fetched and when, who waits for it and how long, and what happens where it can't be had.

import assert from "node:assert/strict";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { browser as launchEngine, engines } from "./support/browsers.js";
import { launch } from "./support/chromium.js";
import { project } from "./support/installed_package.js";
import { site } from "./support/site.js";

const CORE = "/core.js";

let installed, browser;
before(async () => {
  installed = project();
  browser = await launch();
  for (const name of ["index.js", "core.js", "core_javascript.js", "script.js"]) {
    copyFileSync(join(installed.package, "dist", name), join(installed.folder, name));
  }
  installed.write("page.html", '<!doctype html><title>Page</title><link rel="icon" href="data:,">');
});
after(async () => {
  await browser?.close();
  installed?.remove();
});

/** Holds back answers for the core until it is told to go on. */
const gate = () => {
  let open;
  const opened = new Promise((resolve) => (open = resolve));
  let isClosed = true;
  return {
    open: () => {
      isClosed = false;
      open();
    },
    /** Answers with a file of the package, later. @param {string} path @param {import("node:http").ServerResponse} response */
    intercept: (path, response) => {
      if (path !== CORE || !isClosed) return false;
      response.writeHead(200, { "content-type": "text/javascript" });
      import("node:fs/promises")
        .then(({ readFile }) => Promise.all([readFile(join(installed.folder, CORE)), opened]))
        .then(([body]) => response.end(body));
      return true;
    },
  };
};

/** What runs in each page: timers that go a hundred times as fast until they are as usual again, and what tests say again and again. */
const prepared = () => {
  const { setTimeout: real } = globalThis;
  globalThis.quick = () => {
    globalThis.setTimeout = (task, delay, ...given) => real(task, delay / 100, ...given);
  };
  globalThis.usual = () => {
    globalThis.setTimeout = real;
  };
  globalThis.code = (promise) =>
    promise.then(
      (token) => token?.entityId ?? String(token),
      (error) => `${error.name} ${error.code}${error.retryable ? " retryable" : ""}`,
    );
  globalThis.options = { licenseId: 12345678, identity: null, source: "/livechat/token" };
};

/**
 * Runs in a page of its own; an error that nobody handled fails, but for those that the browser itself prints about the network.
 * @param {(page: import("playwright-core").Page, server: Awaited<ReturnType<typeof site>>) => Promise<unknown>} work
 * @param {Parameters<typeof site>[1]} [served]
 */
const run = async (work, served) => {
  const server = await site(installed.folder, served);
  const { page, errors, close } = await browser.page();
  try {
    await page.addInitScript(prepared);
    await page.goto(`${server.url}/page.html`);
    await work(page, server);
    assert.deepEqual(
      (await errors()).filter((error) => !/Failed to load resource/.test(error)),
      [],
    );
  } finally {
    await close();
    await server.close();
  }
};

const chunks = (server) => server.requests.filter((path) => /core/.test(path));

test("nothing of the core is fetched before a widget is set up, then once, by whoever asks, and wrong options are thrown at once", () =>
  run(async (page, server) => {
    const thrown = await page.evaluate(async () => {
      globalThis.library = await import("/index.js");
      console.error = () => {}; // A wrong option is said there, too.
      const { configure, custom_identity_provider, IdentityError } = library;
      configure({ patience: 1000 });
      try {
        custom_identity_provider({ ...options, source: 7 });
      } catch (error) {
        return error instanceof IdentityError && error.code;
      }
    });
    assert.equal(thrown, "BAD_OPTION");
    assert.deepEqual(chunks(server), []);
    const answers = await page.evaluate(async () => {
      const events = [];
      const onEvent = ({ type, widget, form }) => type === "core_started" && events.push(`${widget} ${form}`);
      const providers = [1, 2, 3].map(() => library.custom_identity_provider({ ...options, onEvent }));
      const first = await Promise.all(providers.map(({ getToken }) => getToken()));
      const late = library.custom_identity_provider({ ...options, onEvent });
      const tokens = [...first, await late.getToken()].map(({ accessToken }) => accessToken);
      return { tokens, has: await late.hasToken(), same: late.getToken() === late.getToken(), events };
    });
    assert.deepEqual(answers, {
      tokens: Array(4).fill("made-by-a-test:1"),
      has: true,
      same: true,
      events: Array(3).fill("livechat webassembly"),
    });
    assert.deepEqual(chunks(server), [CORE]);
  }));

test("the core is on its way once a widget is set up, before anybody asks", () =>
  run(async (page, server) => {
    await page.evaluate(async () => {
      const { custom_identity_provider } = await import("/index.js");
      globalThis.provider = custom_identity_provider(options);
      while (!performance.getEntriesByName(new URL("/core.js", location.href).href).length)
        await new Promise((resolve) => setTimeout(resolve));
    });
    assert.deepEqual(chunks(server), [CORE]);
    assert.equal(server.issued(), 0);
  }));

test("rule_18_a_call_waits_for_the_core_no_longer_than_its_timeout_and_a_callback_no_longer_than_its_deadline", async () => {
  const { open, intercept } = gate();
  await run(
    async (page, server) => {
      const early = await page.evaluate(async () => {
        quick();
        globalThis.library = await import("/index.js");
        const { custom_identity_provider, authTokenProvider, authoriseChatWithCallback } = library;
        globalThis.provider = custom_identity_provider({ ...options, timeout: 9_000 });
        const source = () => "never asked";
        const called = (ask) => new Promise((resolve) => ask((...given) => resolve(given)));
        return {
          methods: await Promise.all(
            ["getToken", "getFreshToken", "hasToken", "invalidate"].map((name) => code(provider[name]())),
          ),
          omnichannel: await called(authTokenProvider({ source })),
          liveAssist: await called(authoriseChatWithCallback({ source })),
        };
      });
      assert.deepEqual(early, {
        methods: Array(4).fill("IdentityError TIMED_OUT retryable"),
        omnichannel: [null],
        liveAssist: [null, "Your sign-in cannot be confirmed at the moment. Please try again later."],
      });
      open();
      // It was only slow: the same chunk serves the next call.
      const next = await page.evaluate(() => {
        usual();
        return code(provider.getToken());
      });
      assert.equal(next, "entity");
      assert.deepEqual(chunks(server), [CORE]);
    },
    { intercept },
  );
});

test("rule_20_a_signal_ends_a_wait_for_the_core", async () => {
  const { open, intercept } = gate();
  await run(
    async (page, server) => {
      const answers = await page.evaluate(async () => {
        const { custom_identity_provider } = await import("/index.js");
        globalThis.provider = custom_identity_provider(options);
        const controller = new AbortController();
        globalThis.staying = provider.getToken();
        const leaving = provider.getToken({ signal: controller.signal });
        controller.abort(new Error("left"));
        const reason = (promise) => promise.catch((error) => error.message);
        return [await reason(leaving), await reason(provider.getToken({ signal: controller.signal }))];
      });
      assert.deepEqual(answers, ["left", "left"]);
      open();
      assert.equal(await page.evaluate(() => code(staying)), "entity");
      assert.equal(server.issued(), 1);
    },
    { intercept },
  );
});

test("rule_18_who_gave_up_while_the_core_was_on_its_way_asks_for_nothing_once_it_is_there", async () => {
  const { open, intercept } = gate();
  await run(
    async (page, server) => {
      await page.evaluate(async () => {
        const { custom_identity_provider } = await import("/index.js");
        const calls = [];
        const onEvent = ({ type, method }) => type === "call" && calls.push(method);
        quick();
        const { getToken, getFreshToken, hasToken } = custom_identity_provider({ ...options, onEvent, timeout: 9_000 });
        const { signal } = new AbortController();
        await Promise.all([getToken(), getToken({ signal }), getFreshToken()].map(code));
        usual();
        globalThis.answers = hasToken().then((has) => ({ has, calls }));
      });
      open();
      assert.deepEqual(await page.evaluate(() => globalThis.answers), { has: false, calls: ["hasToken"] });
      assert.equal(server.issued(), 0);
    },
    { intercept },
  );
});

test("rule_07_who_waits_for_the_core_when_the_person_signs_out_is_told_so", async () => {
  const { open, intercept } = gate();
  await run(
    async (page, server) => {
      await page.evaluate(async () => {
        const { custom_identity_provider, sign_out } = await import("/index.js");
        const provider = custom_identity_provider({ ...options, identity: () => "customer-1" });
        const asked = [provider.getToken(), provider.getFreshToken(), provider.hasToken()].map(code);
        const left = sign_out();
        globalThis.answers = Promise.all([...asked, left, code(provider.getToken())]);
      });
      open();
      const [token, fresh, has, left, next] = await page.evaluate(() => globalThis.answers);
      assert.deepEqual([token, fresh], Array(2).fill("IdentityError SIGNED_OUT"));
      assert.deepEqual([has, left ?? undefined, next], ["false", undefined, "entity"]);
      assert.equal(server.issued(), 1);
    },
    { intercept },
  );
});

test("rule_08_who_asked_for_one_person_before_the_core_was_there_is_not_answered_for_the_next", async () => {
  const { open, intercept } = gate();
  await run(
    async (page, server) => {
      await page.evaluate(async () => {
        const { custom_identity_provider } = await import("/index.js");
        let person = "customer-1";
        const provider = custom_identity_provider({ ...options, identity: () => person });
        const former = provider.getToken();
        person = null;
        const nobody = provider.getToken();
        person = "customer-2";
        globalThis.answers = Promise.all([former, nobody, provider.getToken()].map(code));
      });
      open();
      // Who asked as nobody is served for whoever signed in meanwhile, as rule 27 has it.
      assert.deepEqual(await page.evaluate(() => globalThis.answers), [
        "IdentityError IDENTITY_CHANGED",
        "entity",
        "entity",
      ]);
      assert.equal(server.issued(), 1);
    },
    { intercept },
  );
});

test("rule_07_a_sign_out_needs_no_core: nothing is fetched, records go, and every other tab hears of it, also where no mark can be written", () =>
  run(async (page, server) => {
    const tab = await page.context().newPage();
    await tab.goto(`${server.url}/page.html`);
    await page.evaluate(async () => {
      const { custom_identity_provider } = await import("/index.js");
      const provider = custom_identity_provider({
        ...options,
        onEvent: ({ type }) => {
          if (type === "signed_out") globalThis.found = provider.hasToken();
        },
      });
      await provider.getToken();
    });
    const left = await tab.evaluate(async () => {
      sessionStorage.setItem("custom_identity_provider:of an earlier page", "{}");
      sessionStorage.setItem("the page's own", "stays");
      Object.defineProperty(globalThis, "localStorage", {
        get: () => {
          throw new DOMException("blocked", "SecurityError");
        },
      });
      const { sign_out } = await import("/index.js");
      return [await sign_out(), Object.keys(sessionStorage)];
    });
    assert.deepEqual(left, [undefined, ["the page's own"]]);
    await page.waitForFunction(() => globalThis.found);
    assert.equal(await page.evaluate(() => globalThis.found), false);
    assert.deepEqual(chunks(server), [CORE]);
  }));

test("rule_13_a_core_that_cannot_be_fetched_is_tried_again_with_pauses_then_a_coded_error_and_fetched_at_a_later_call", async () => {
  let isGone = true;
  await run(
    async (page, server) => {
      const answers = await page.evaluate(async () => {
        const { custom_identity_provider } = await import("/index.js");
        const pauses = [];
        const { setTimeout: real } = globalThis;
        globalThis.setTimeout = (task, delay) => {
          pauses.push(delay);
          // The deadlines of calls stay what they are.
          return real(task, delay <= 4_000 ? 0 : delay);
        };
        globalThis.provider = custom_identity_provider({ ...options, timeout: 20_000 });
        const waiting = [provider.getToken(), provider.hasToken()];
        const found = await provider.getToken().catch(({ code, message, retryable, cause }) => ({
          code,
          message,
          retryable,
          cause: cause.name,
        }));
        return {
          found,
          waiting: await Promise.all(waiting.map(code)),
          pauses: pauses.filter((delay) => delay < 20_000),
        };
      });
      const failed = "IdentityError WASM_MISSING retryable";
      assert.deepEqual(
        { ...answers, pauses: answers.pauses.length },
        {
          found: {
            code: "WASM_MISSING",
            message: "the core could not be loaded; see cause",
            retryable: true,
            cause: "TypeError",
          },
          waiting: [failed, failed],
          pauses: 3,
        },
      );
      // Full jitter between tries; then a pause in which calls are refused at once.
      const [first, second, cooling] = answers.pauses;
      assert.ok(first <= 2_000 && second <= 4_000 && cooling === 2_000, String(answers.pauses));
      assert.equal(chunks(server).length, 3);
      isGone = false;
      assert.equal(await page.evaluate(() => code(provider.getToken())), "entity");
    },
    { intercept: (path, response) => path === CORE && isGone && response.writeHead(404).end() },
  );
});

test("rule_13_while_a_core_cools_down_calls_are_refused_at_once_until_the_network_is_back", async () => {
  let isGone = true;
  await run(
    async (page, server) => {
      const answers = await page.evaluate(async () => {
        quick();
        const { custom_identity_provider } = await import("/index.js");
        globalThis.provider = custom_identity_provider({ ...options, timeout: 900_000 });
        const first = await code(provider.getToken());
        // From now on no time passes.
        globalThis.quickened = setTimeout;
        globalThis.setTimeout = () => 1;
        const refused = await provider.getToken().catch((error) => [error.code, error.retryable, error.cause.code]);
        return { first, refused };
      });
      assert.deepEqual(answers, {
        first: "IdentityError WASM_MISSING retryable",
        refused: ["COOLING_DOWN", true, "WASM_MISSING"],
      });
      assert.equal(chunks(server).length, 3);
      isGone = false;
      const next = await page.evaluate(async () => {
        dispatchEvent(new Event("online"));
        await Promise.resolve();
        globalThis.setTimeout = quickened;
        return code(provider.getToken());
      });
      assert.equal(next, "entity");
    },
    { intercept: (path, response) => path === CORE && isGone && response.writeHead(404).end() },
  );
});

for (const name of Object.keys(engines)) {
  test(`${name}: a chunk that failed is fetched again, whatever the browser remembers of a module that failed`, async () => {
    let failures = 0;
    const server = await site(installed.folder, {
      intercept: (path, response) => {
        if (path !== CORE || failures === 2) return false;
        failures += 1;
        // Once no answer at all, once the page of a new deployment, which knows no such file any more.
        if (failures === 1) response.destroy();
        else response.writeHead(404, { "content-type": "text/html" }).end("<!doctype html><title>Not found</title>");
        return true;
      },
    });
    const engine = await launchEngine(name);
    try {
      const tab = await engine.tab(`${server.url}/page.html`);
      const entity = await tab.run(async () => {
        const { custom_identity_provider } = await import("/index.js");
        const options = { licenseId: 12345678, identity: null, source: "/livechat/token", timeout: 25_000 };
        return (await custom_identity_provider(options).getToken()).entityId;
      });
      assert.equal(entity, "entity");
      assert.equal(failures, 2);
    } finally {
      await engine.close();
      await server.close();
    }
  });
}

test("the plain script finds its core beside itself, wherever the page lies", () =>
  run(async (page, server) => {
    installed.write(
      "deep/in/page.html",
      '<!doctype html><title>Page</title><link rel="icon" href="data:,"><script src="../../script.js"></script>',
    );
    await page.goto(`${server.url}/deep/in/page.html`);
    assert.equal(await page.evaluate(() => code(custom_identity_provider(options).getToken())), "entity");
    assert.deepEqual(chunks(server), [CORE]);
  }));
