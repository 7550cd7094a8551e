// LivePerson's tag on a page: the identity function for `lpTag.identities`, beside `authoriseChatWithCallback`, and what the tag is told when the visitor changes.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import * as esbuild from "esbuild";
import { launch } from "./support/chromium.js";
import { project } from "./support/installed_package.js";
import { site } from "./support/site.js";

let installed, browser, server;
before(async () => {
  installed = project();
  browser = await launch();
  installed.write(
    "connect.js",
    `
    import { authoriseChatWithCallback, livePersonIdentity, sign_out } from "custom-identity-provider";
    Object.assign(globalThis, { authoriseChatWithCallback, livePersonIdentity, sign_out });
  `,
  );
  await esbuild.build({
    entryPoints: [join(installed.folder, "connect.js")],
    outfile: join(installed.folder, "built/connect.js"),
    bundle: true,
    format: "iife",
    logLevel: "error",
  });
  server = await site(installed.folder);
});
after(async () => {
  await server?.close();
  await browser?.close();
  installed?.remove();
});

/** A page on which this person is signed in, with a stand-in of LivePerson's tag: it asks the identity functions at the first page and at each new one. */
const open = async (person) => {
  const { page, errors, close } = await browser.page();
  const html = `<!doctype html><title>Bank</title><link rel="icon" href="data:,"><script src="/built/connect.js"></script><script>
    globalThis.person = ${JSON.stringify(person)};
    globalThis.left = globalThis.asked = globalThis.requests = 0;
    const encoded = (value) => btoa(JSON.stringify(value)).replace(/=+$/, "");
    globalThis.claims = () => {
      const now = Math.floor(Date.now() / 1000);
      return { iss: "https://bank.test", sub: person, iat: now, exp: now + 300 };
    };
    globalThis.options = {
      onSignOut: () => { left += 1; },
      identity: () => { asked += 1; return person; },
      source: () => { requests += 1; return [encoded({ alg: "RS256" }), encoded(claims()), "signature"].join("."); },
    };
    globalThis.visitors = [];
    globalThis.pages = [];
    globalThis.lpTag = {
      section: ["en"], identities: [],
      newPage: (url, { section }) => {
        pages.push([new URL(url).pathname, ...section]);
        for (const identity of lpTag.identities) identity((visitor) => visitors.push(visitor));
      },
    };
  </script>`;
  await page.route(`${server.url}/bank`, (route) => route.fulfill({ contentType: "text/html", body: html }));
  await page.goto(`${server.url}/bank`);
  return { page, errors, close };
};
const VISITOR = (sub) => ({ iss: "https://bank.test", acr: "loa1", sub });
const threeLooks = async (page) => {
  const before = await page.evaluate(() => asked);
  await page.waitForFunction((before) => asked >= before + 3, before);
};

test("livePersonIdentity says who is signed in by the JWT's own claims, once, and shares its request with authoriseChatWithCallback", async () => {
  const { page, errors, close } = await open("ada");
  try {
    assert.deepEqual(
      await page.evaluate(async () => {
        const identity = livePersonIdentity(options);
        const authorise = authoriseChatWithCallback(options);
        const heard = [];
        await Promise.all([
          new Promise((resolve) => identity((...given) => resolve(heard.push(given)))),
          new Promise((resolve) => authorise(resolve)),
        ]);
        await new Promise((resolve) => setTimeout(resolve));
        return { heard, requests };
      }),
      { heard: [[VISITOR("ada")]], requests: 1 },
    );
    assert.deepEqual(await errors(), []);
  } finally {
    await close();
  }
});

test("livePersonIdentity says nothing where nobody is signed in, where the service says so, or where it fails", async () => {
  const { page, errors, close } = await open(null);
  try {
    assert.deepEqual(
      await page.evaluate(async () => {
        let calls = 0;
        for (const change of [
          {},
          { identity: undefined, source: () => null },
          {
            identity: undefined,
            source: async () => {
              throw Object.assign(new Error(), { status: 403 });
            },
          },
        ]) {
          const told = { ...options, organizationId: `organization-${calls}-${Math.random()}`, ...change };
          livePersonIdentity(told)(() => {
            calls += 1;
          });
          // Answered after it, by the same request.
          await new Promise((resolve) => authoriseChatWithCallback(told)(resolve));
        }
        return calls;
      }),
      0,
    );
    assert.deepEqual(await errors(), []);
  } finally {
    await close();
  }
});

test("livePersonIdentity says once what a JWT without iss or sub lacks, and never the token", async () => {
  const { page, errors, close } = await open("ada");
  try {
    await page.evaluate(async () => {
      for (const lacking of ["iss", "sub"]) {
        const { claims } = globalThis;
        globalThis.claims = () => ({ ...claims(), [lacking]: undefined });
        const told = { ...options, organizationId: lacking };
        livePersonIdentity(told)(() => {
          throw new Error("called");
        });
        await new Promise((resolve) => authoriseChatWithCallback(told)(resolve));
        globalThis.claims = claims;
      }
    });
    assert.deepEqual(
      (await errors()).map((text) => [/no iss or no sub/.test(text), /signature|bank/.test(text)]),
      [[true, false]],
    );
  } finally {
    await close();
  }
});

test("livePersonIdentity refuses what is no callback, a callback that throws hurts nobody, and a wrong option is named", async () => {
  const { page, errors, close } = await open("ada");
  try {
    assert.deepEqual(
      await page.evaluate(async () => {
        const identity = livePersonIdentity(options);
        const name = (call) => {
          try {
            return call();
          } catch (error) {
            return `${error.code ?? error.name} ${error.message.match(/option (\w+)/)?.[1] ?? ""}`.trim();
          }
        };
        const refused = [undefined, null, {}, "callback"].map((wrong) => name(() => identity(wrong)));
        const wrong = [{ flow: "code" }, { source: 7 }, { startChat: true }, { onSignOut: "yes" }].map((change) =>
          name(() => livePersonIdentity({ ...options, ...change })),
        );
        await new Promise((resolve) =>
          identity(() => {
            resolve();
            throw new Error("broken");
          }),
        );
        return { refused, wrong };
      }),
      {
        refused: Array(4).fill("TypeError"),
        wrong: ["BAD_OPTION flow", "BAD_OPTION source", "BAD_OPTION startChat", "BAD_OPTION onSignOut"],
      },
    );
    const said = (await errors()).filter((text) => !/the option \w+ is wrong/.test(text));
    assert.deepEqual(
      said.map((text) => /the widget's callback threw/.test(text)),
      [true],
    );
  } finally {
    await close();
  }
});

test("LivePerson's tag asks anew who the visitor is when that changes, and the page is told who left, once", async () => {
  const { page, errors, close } = await open(null);
  try {
    await page.evaluate(() => {
      globalThis.authorise = authoriseChatWithCallback(options);
      lpTag.identities.push(livePersonIdentity(options));
    });
    await threeLooks(page);
    assert.deepEqual(await page.evaluate(() => pages), [], "nothing has changed");
    await page.evaluate(() => {
      globalThis.person = "ada";
    });
    await page.waitForFunction(() => visitors.length === 1);
    await page.evaluate(() => {
      globalThis.person = "grace";
    });
    await page.waitForFunction(() => visitors.length === 2);
    await page.evaluate(() => {
      globalThis.person = null;
      return sign_out();
    });
    await page.waitForFunction(() => pages.length === 3);
    await threeLooks(page);
    assert.deepEqual(await page.evaluate(() => ({ visitors, pages, left })), {
      visitors: [VISITOR("ada"), VISITOR("grace")],
      pages: Array(3).fill(["/bank", "en"]),
      left: 2,
    });
    assert.deepEqual(await errors(), []);
  } finally {
    await close();
  }
});

test("authoriseChatWithCallback tells the page of sign-outs where there is no tag of LivePerson, or one that throws", async () => {
  for (const change of [
    "delete globalThis.lpTag",
    "lpTag.newPage = () => { throw new Error('broken'); }",
    "globalThis.lpTag = null",
  ]) {
    const { page, errors, close } = await open("ada");
    try {
      await page.evaluate(change);
      await page.evaluate(() => {
        globalThis.authorise = authoriseChatWithCallback(options);
      });
      await page.evaluate(() => {
        globalThis.person = null;
      });
      await page.waitForFunction(() => left === 1);
      await page.evaluate(() => {
        globalThis.person = "ada";
      });
      await threeLooks(page);
      await page.evaluate(() => sign_out());
      await page.waitForFunction(() => left === 2);
      assert.deepEqual(await errors(), []);
    } finally {
      await close();
    }
  }
});

test("a function is watched for as long as the page keeps it, and is garbage after that, with all that it was given", async () => {
  const { page, errors, close } = await open("ada");
  try {
    await page.evaluate(() => {
      globalThis.dropped = [];
      globalThis.authorise = authoriseChatWithCallback(options);
      for (let times = 0; times < 100; times += 1) {
        // As a page that renders anew writes it: what it is told by closes over the function itself.
        const identity = () => {
          asked += 1;
          return person;
        };
        const authorise = authoriseChatWithCallback({ ...options, identity, onSignOut: () => void authorise });
        dropped.push(new WeakRef(identity));
      }
    });
    const client = await page.context().newCDPSession(page);
    const isGone = async () => {
      await client.send("HeapProfiler.collectGarbage");
      return page.evaluate(() => dropped.every((identity) => identity.deref() === undefined));
    };
    const end = performance.now() + 10_000;
    while (!(await isGone())) assert.ok(performance.now() < end, "it is still held");
    await page.evaluate(() => sign_out());
    await page.waitForFunction(() => left === 1);
    assert.deepEqual(await errors(), []);
  } finally {
    await close();
  }
});
