// What every test has: servers of its own, the demo page as a person finds it, and the stand-in's own account of what it was asked.

import { test as base, expect } from "@playwright/test";

import { startServers } from "./servers.js";

export { expect };

/** Where the bench of each widget is. */
export const LIVECHAT = "/livechat.html";

/**
 * What `expiresIn` shows of a token of 8 hours and of one of 10 seconds: the service tells the whole seconds that are
 * left, and a machine under load has used some of them.
 */
export const EIGHT_HOURS = /^28(800|79\d)000 ms$/;
export const TEN_SECONDS = /^([5-9]|10)000 ms$/;

/** The page by what a person sees on it. */
export class Demo {
  constructor(page) {
    this.page = page;
    this.outcome = page.locator("#outcome");
    this.life = page.getByRole("progressbar", { name: "Remaining life" });
    this.hasToken = page.getByText(/^hasToken: /);
    this.log = page.getByRole("region", { name: "Entries of the log" }).getByRole("listitem");
  }

  open = (path = LIVECHAT) => this.page.goto(path);
  button = (name) => this.page.getByRole("button", { name, exact: true });
  press = (name) => this.button(name).click();
  field = (name) => this.page.locator(`[data-field="${name}"]`);
  counter = (name) => this.page.locator(`[data-counter="${name}"] dd`);
  choose = (name) => this.page.getByRole("radio", { name }).check();

  async signIn(name) {
    await this.press(name);
    await expect(this.page.getByText(`Signed in as ${name}`)).toBeVisible();
  }

  /** Signs in and waits for the token that the page asks for as the widget would. */
  async signInAndGetToken(name) {
    await this.signIn(name);
    await expect(this.field("accessToken")).toContainText("ending in");
    await expect(this.hasToken).toHaveText("hasToken: true");
    return this.entity();
  }

  entity = () => this.field("entityId").innerText();

  /** A fault from now on, or for a number of requests; then a fresh token is asked for. */
  async applyFault(name, { once = false } = {}) {
    await this.choose(name);
    await this.page.getByRole("checkbox", { name: "Only the next request" }).setChecked(once);
    await this.press("Apply and ask for a fresh token");
  }

  /** The four last characters of the token that is shown, which are all that a page may tell of it. */
  async tokenEnd() {
    return (await this.field("accessToken").innerText()).slice(-4);
  }
}

/** The stand-in, asked directly. */
export class StandIn {
  constructor(url) {
    this.url = url;
  }

  async state() {
    const response = await fetch(`${this.url}/stand-in/state`);
    return response.json();
  }

  async setFaults(faults) {
    const response = await fetch(`${this.url}/stand-in/faults`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(faults),
    });
    expect(response.status).toBe(200);
  }

  tokensIssued = async () => (await this.state()).tokens_issued;
  customers = async () => (await this.state()).customers;
}

export const test = base.extend({
  /** How long the demo's short-lived tokens live, in seconds. */
  shortLifetime: [20, { option: true }],
  servers: async ({ shortLifetime }, use) => {
    const servers = await startServers({ shortLifetime });
    await use(servers);
    await servers.stop();
  },
  baseURL: async ({ servers }, use) => use(servers.site),
  standIn: async ({ servers }, use) => use(new StandIn(servers.standIn)),
  demo: async ({ page }, use) => use(new Demo(page)),
});
