// The pages of Omnichannel and Live Assist by what a person sees on them.

import { Demo, LIVECHAT, expect } from "./demo.js";

export const OMNICHANNEL = "/omnichannel.html";
export const LIVE_ASSIST = "/live-assist.html";

/** The button that each page enables when it is set up. */
const READY = { [OMNICHANNEL]: "Reload widget", [LIVE_ASSIST]: "Start chat" };

/** What the site keeps of each customer, as far as the tests look at it. */
export const CONTACTS = {
  "Ada Lovelace": "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
  "Grace Hopper": "8d8ac610-566d-4ef0-9c22-186b2a5ed793",
  "Alan Turing": "c9bf9e57-1685-4c89-bafb-ff5af830be8a",
};

export class WidgetDemo extends Demo {
  constructor(page, path) {
    super(page);
    this.path = path;
    this.state = page.locator("#chat-state");
    this.verdict = page.locator("#verdict");
    this.conversation = page.getByRole("log", { name: "Conversation" });
    this.snippet = page.getByRole("region", { name: "As the page would write it" });
    this.dialog = page.getByRole("dialog", { name: "Sign in to chat" });
    this.timeline = page.getByRole("img", { name: /^Timeline: / });
  }

  /** Opens a page, and waits until it is set up: what is changed before goes unheard. */
  open = async (path = LIVECHAT) => {
    await this.page.goto(path);
    if (path in READY) await expect(this.button(READY[path])).toBeEnabled();
  };

  /** What the agent sees of the customer. */
  agent = (name) => this.page.locator(`[data-agent="${name}"]`);
  /**
   * When a text is first there, as the chat's state or in the log, by the page's own clock: whatever the test reads
   * later, real time has passed as well.
   */
  momentOf = (text) =>
    this.page.evaluate(
      (text) =>
        new Promise((resolve) => {
          const places = ["#chat-state", "#log"].map((place) => document.querySelector(place));
          const observer = new MutationObserver(() => {
            if (!places.some((place) => place.textContent.includes(text))) return;
            observer.disconnect();
            resolve(Date.now());
          });
          for (const place of places) observer.observe(place, { subtree: true, childList: true, characterData: true });
        }),
      text,
    );

  logged = (text) => this.log.filter({ hasText: text });

  async openAs(name) {
    await this.open(this.path);
    await this.signIn(name);
  }

  /** Starts a chat, and sees that the agent has the right person before them. */
  async chatAs(name) {
    await this.press("Start chat");
    await expect(this.state).toHaveText("authenticated");
    await expect(this.agent("contact")).toHaveText(CONTACTS[name]);
    await expect(this.verdict).toHaveText("signature verified");
    await expect(this.field("sub")).toHaveText(CONTACTS[name]);
  }

  /** Nothing of anybody is shown. */
  async expectNobody() {
    await expect(this.agent("contact")).toHaveText("–");
    await expect(this.field("sub")).toHaveText("–");
    await expect(this.verdict).toHaveText("no token");
    await expect(this.life).toHaveAttribute("aria-valuetext", "no token");
    const shown = await this.page.content();
    for (const contact of Object.values(CONTACTS)) expect(shown).not.toContain(contact);
  }

  /** Signs out, and sees that nothing is left. */
  async signOut() {
    await this.press("Sign out");
    await expect(this.outcome).toContainText("every tab has forgotten the token");
    await this.expectNobody();
  }

  /** Notes every contact that ever stands on the page from now on; the answer reads them. */
  async watchContacts() {
    await this.page.evaluate((contacts) => {
      window.seenContacts = [];
      const note = () => {
        const shown = document.querySelector("main").textContent;
        window.seenContacts.push(...contacts.filter((contact) => shown.includes(contact)));
      };
      new MutationObserver(note).observe(document.body, { childList: true, subtree: true, characterData: true });
    }, Object.values(CONTACTS));
    return async () => [...new Set(await this.page.evaluate(() => window.seenContacts))];
  }
}
