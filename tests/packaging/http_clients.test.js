// A source on any HTTP client: what becomes of a request is understood, whatever the client makes of it (rule 13). Each is run for real, in Chromium or
// in Node, against a service that fails.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import * as esbuild from "esbuild";
import { launch } from "./support/chromium.js";
import { failingService } from "./support/failing_service.js";
import { clients as clientsOfNode } from "./support/http_clients_of_node.js";
import { project } from "./support/installed_package.js";
import { site } from "./support/site.js";

/**
 * Asks for a token with each client; runs in the page and in Node alike.
 * @param {{clients: Record<string, Function>, package: any, base: string, way: string, timeout: number, isMistaken: boolean}} task
 */
const askWithEach = async ({
  clients,
  package: { custom_identity_provider, IdentityError },
  base,
  way,
  timeout,
  isMistaken,
}) => {
  const licenses = (globalThis.licenses ??= { latest: 1000 });
  return Object.fromEntries(
    await Promise.all(
      Object.entries(clients).map(async ([name, ask]) => {
        const retried = [];
        const provider = custom_identity_provider({
          licenseId: ++licenses.latest,
          identity: null,
          cache: "memory",
          onEvent: (event) =>
            event.type === "request_retrying" && retried.push({ code: event.code, delay: event.delay }),
          source: async () => {
            const answer = await ask(`${base}/${way}?caller=${encodeURIComponent(name)}`, timeout);
            return isMistaken ? answer.tokens.latest : answer;
          },
        });
        const outcome = await provider.getToken().then(
          (token) => (token.entityId === "entity" ? "token" : "nonsense"),
          (error) => (error instanceof IdentityError ? error.code : String(error)),
        );
        return [name, { outcome, retried }];
      }),
    ),
  );
};

let installed, browser, server, service, inNode;
before(async () => {
  installed = project();
  browser = await launch();
  const result = await esbuild.build({
    stdin: { contents: 'export { clients } from "./support/http_clients.js"', resolveDir: import.meta.dirname },
    bundle: true,
    write: false,
    format: "esm",
    define: { "process.env.NODE_ENV": '"production"' },
    logLevel: "error",
  });
  installed.write("page/clients.js", result.outputFiles[0].text);
  installed.write("page/index.js", await readFile(join(installed.package, "dist/inline.js"), "utf8"));
  installed.write("page/clients.html", '<!doctype html><title>Clients</title><link rel="icon" href="data:,"><body>');
  server = await site(join(installed.folder, "page"));
  service = await failingService({ allowed: server.url });
  inNode = await import(pathToFileURL(join(installed.package, "dist/inline.js")).href);
});
after(async () => {
  await browser?.close();
  await server?.close();
  await service?.close();
  installed?.remove();
});

/** The outcomes of all clients of a place, and what the place's console was told. */
const places = {
  Chromium: async (task) => {
    const { page, close } = await browser.page();
    try {
      const said = [];
      page.on("console", (message) => message.type() === "error" && said.push(message.text()));
      await page.goto(`${server.url}/clients.html`);
      const outcomes = await page.evaluate(`(async () => {
        const [{ clients }, library] = await Promise.all([import("/clients.js"), import("/index.js")]);
        return (${askWithEach})({ ...${JSON.stringify(task)}, clients, package: library });
      })()`);
      return { outcomes, said };
    } finally {
      await close();
    }
  },
  Node: async (task) => {
    const said = [];
    const { error } = console;
    console.error = (...words) => said.push(words.join(" "));
    try {
      return { outcomes: await askWithEach({ ...task, clients: clientsOfNode, package: inNode }), said };
    } finally {
      console.error = error;
    }
  },
};

/** Each way to fail, and what has to come of it with every client: the token or the code, and how often the service is asked. */
const expectations = {
  token: { outcome: "token", asked: 1 },
  cut: { outcome: "token", asked: 2, retried: "NETWORK" },
  half: { outcome: "token", asked: 2, retried: "NETWORK" },
  unauthorized: { outcome: "NOT_SIGNED_IN", asked: 1 },
  busy: { outcome: "token", asked: 2, retried: "UNAVAILABLE", pause: 1_000 },
  // A browser has six connections to a host: who waits for one may time out as well, and the service is not asked then.
  silent: { outcome: "token", asked: undefined, retried: "TIMED_OUT" },
};
/** An XMLHttpRequest as such does not tell a timeout from a failing network; RTK Query's errors are without headers. */
const exceptions = {
  "silent: XMLHttpRequest, rejecting with itself": { retried: "NETWORK" },
  "busy: RTK Query": { pause: 0 },
};

for (const place of Object.keys(places)) {
  for (const [way, expectation] of Object.entries(expectations)) {
    test(`rule_13_any_client_s_failure_is_understood: ${way}, in ${place}`, async () => {
      const base = service.url;
      const { outcomes, said } = await places[place]({
        base,
        way,
        timeout: way === "silent" ? 1_500 : 8_000,
        isMistaken: false,
      });
      const names = Object.keys(outcomes);
      assert.ok(names.length >= 9, names.join());
      for (const name of names) {
        const expected = { ...expectation, ...exceptions[`${way}: ${name}`] };
        const { outcome, retried } = outcomes[name];
        const told = JSON.stringify(outcomes[name]);
        assert.equal(outcome, expected.outcome, `${name}: ${told}`);
        const asked = service.asked(way, name);
        assert.ok(expected.asked ? asked === expected.asked : asked > 1, `${name}, asked ${asked} times: ${told}`);
        assert.deepEqual(
          [...new Set(retried.map(({ code }) => code))],
          expected.retried ? [expected.retried] : [],
          `${name}: ${told}`,
        );
        for (const { delay } of retried) assert.ok(delay >= (expected.pause ?? 0), `${name}: ${told}`);
      }
      // Who is refused because nobody is signed in is advised how guests get their chat; nothing else is said.
      const isAdvice = (text) => text.includes("nobody is signed in, so LiveChat's chat waits");
      assert.deepEqual(
        said.filter((text) => text.includes("custom-identity-provider") && !isAdvice(text)),
        [],
      );
      service.forget();
    });
  }

  test(`rule_13_a_programming_error_is_found_at_once_with_any_client, in ${place}`, async () => {
    const { outcomes, said } = await places[place]({
      base: service.url,
      way: "token",
      timeout: 8_000,
      isMistaken: true,
    });
    for (const [name, { outcome, retried }] of Object.entries(outcomes)) {
      assert.deepEqual({ outcome, retried }, { outcome: "SOURCE_FAILED", retried: [] }, name);
      assert.equal(service.asked("token", name), 1, name);
    }
    const told = said.filter((text) => text.includes("custom-identity-provider"));
    assert.equal(told.length, 1, told.join("\n"));
    assert.match(told[0], /the function given as source failed: TypeError: Cannot read properties of undefined/);
    service.forget();
  });
}
