// The story's page by what a person sees on it: the player, and a shop on each of three devices.

import { expect } from "./demo.js";

/** A shop in the frame of a device, or on a page of its own. */
export class Shop {
  constructor(inside) {
    this.inside = inside;
    this.greeting = inside.locator("#greeting");
    this.bubble = inside.getByRole("button", { name: "Chat", exact: true });
    this.window = inside.getByRole("region", { name: "Chat", exact: true });
    this.state = this.window.getByRole("status");
    this.messages = inside.getByRole("log", { name: "Conversation" }).locator("p .text");
    this.text = inside.getByRole("textbox", { name: "Your message" });
    this.unsent = inside.locator("[data-unsent]");
  }

  button = (name) => this.inside.getByRole("button", { name, exact: true });

  /** Does something at which the chat becomes another one, and waits for that. */
  async changeChat(change) {
    const widget = this.inside.locator("#chat-widget-container");
    const former = await widget.getAttribute("data-widget");
    await change();
    await expect(widget).not.toHaveAttribute("data-widget", former);
  }

  signIn = (name) =>
    this.changeChat(async () => {
      await this.button(`Sign in as ${name}`).click();
      await expect(this.greeting).toHaveText(`Hello, ${name.split(" ")[0]}`);
    });

  signOut = () =>
    this.changeChat(async () => {
      await this.button("Sign out").click();
      await expect(this.greeting).toHaveText("Sign in as");
    });

  async openChat() {
    await this.bubble.click();
    await expect(this.state).toHaveText("Sam is here");
  }

  async write(text) {
    await this.text.fill(text);
    await this.button("Send").click();
  }

  /** The customer that the chat knows, by its whole entity id. */
  async entity() {
    const known = this.inside.locator(".chat-customer");
    await expect(known).toHaveAttribute("data-entity", /^[0-9a-f-]{36}$/);
    return known.getAttribute("data-entity");
  }
}

export class Story {
  constructor(page) {
    this.page = page;
    this.now = page.locator("#now");
    this.progress = page.getByRole("progressbar", { name: "Progress of the story" });
    this.steps = page.locator("#steps > li");
    this.done = page.locator("#steps > li.done");
    for (const id of ["laptop", "phone", "kiosk"]) this[id] = new Shop(page.frameLocator(`#device-${id} iframe`));
  }

  /** Opens the page, and waits until every device has opened its shop. `speed` is how many times as fast as for people it plays. */
  async open(speed = 20) {
    await this.page.goto(speed === 1 ? "/" : `/?speed=${speed}`);
    await expect(this.button("Play the story")).toBeEnabled();
  }

  button = (name) => this.page.getByRole("button", { name, exact: true });
  press = (name) => this.button(name).click();

  /** Plays one step, and waits until it has come to its end and the story pauses. */
  async step(number) {
    await this.press("One step");
    await expect(this.steps.nth(number - 1)).toHaveClass("done", { timeout: 50_000 });
    await expect(this.done).toHaveCount(number);
    await expect(this.button("Go on")).toBeVisible();
  }

  /** Pauses the story in the moment in which the page tells something; the answer waits for that. */
  async pauseAt(told) {
    const paused = this.page.evaluate(
      (words) =>
        new Promise((resolve) => {
          const now = document.getElementById("now");
          new MutationObserver((_, observer) => {
            if (!now.textContent.includes(words)) return;
            observer.disconnect();
            document.getElementById("play").click();
            resolve();
          }).observe(now, { childList: true, characterData: true, subtree: true });
        }),
      told,
    );
    return { paused };
  }

  /** Pauses the story after that many more of the things that are done on the devices, typed letters among them; the answer waits for that. */
  async pauseAfter(count) {
    const paused = this.page.evaluate(
      (count) =>
        new Promise((resolve) => {
          const listener = ({ data }) => {
            if (data.shop !== "done" || (count -= 1) > 0) return;
            removeEventListener("message", listener);
            document.getElementById("play").click();
            resolve();
          };
          addEventListener("message", listener);
        }),
      count,
    );
    return { paused };
  }

  /** Goes on until the accounts fail and a message waits, and pauses there. */
  async failAndPause() {
    const { paused } = await this.pauseAt("The accounts fail for another");
    await this.press("Go on");
    await paused;
    await expect(this.phone.unsent).toHaveCount(1);
  }

  async playToEnd() {
    await expect(this.now).toContainText("That is the story", { timeout: 55_000 });
    await expect(this.done).toHaveCount(await this.steps.count());
  }
}
