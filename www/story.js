// The story's page: three devices, and a player that works them as people would.

import { showBanner } from "./banner.js";
import { byId, html } from "./element.js";
import { resetFaults, setFaults, useStandIn } from "./livechat_stand_in.js";
import { readSession } from "./site.js";
import { fillHeader } from "./site_header.js";
import { makeDevice } from "./story_device.js";
import { makeClock } from "./story_player.js";
import { STEPS } from "./story_steps.js";
import { messageOf } from "./thrown.js";

/** @typedef {import("./shop_remote.js").Seen} Seen */

/** @typedef {import("./story_device.js").Device} Device */

/** A device as a step uses it. @typedef {ReturnType<typeof hand>} Hand */

/** The accounts are out of order, and say when it is worth asking again. */
const OUT_OF_ORDER = { status: 503, retry_after: 1 };
/** How long a person reads what was told, and looks at what came of it, in the story's own milliseconds. */
const READING = 2600;
const LOOKING = 2600;
const KEYSTROKE = 45;
const STILL = matchMedia("(prefers-reduced-motion: reduce)");

const asked = Number(new URLSearchParams(location.search).get("speed"));
const clock = makeClock(asked > 0 ? asked : 1);

/** @type {Record<string, Device>} */
const devices = {};
/** Ends the telling that runs; null when none does. @type {AbortController | null} */
let telling = null;
/** Whether the story pauses by itself after the step that is told. */
let isStepping = false;
let isFailing = false;
let hasPlayed = false;

/* What is told. */

/** @param {string} text @param {import("./element.js").Attributes} attributes */
const paragraph = (text, attributes = {}) => html("p", attributes, text);

const showSteps = () =>
  byId("steps").replaceChildren(
    ...STEPS.map(({ words }, index) =>
      html("li", { id: `step-${index + 1}` }, words, html("span", { class: "result", hidden: true })),
    ),
  );

/** @param {number} done @param {string} text */
const showProgress = (done, text) => {
  const share = done / STEPS.length;
  byId("progress").setAttribute("aria-valuenow", String(Math.round(share * 100)));
  byId("progress").setAttribute("aria-valuetext", text);
  // Through the object model: the page's policy forbids styles in the markup.
  byId("progress-done").style.transform = `scaleX(${share})`;
};

/** @param {Node[]} parts */
const showNow = (...parts) => byId("now").replaceChildren(...parts);

/** @param {number} index @param {string} text @param {boolean} isGood */
const showResult = (index, text, isGood) => {
  const step = byId(`step-${index + 1}`);
  const result = /** @type {HTMLElement} */ (step.querySelector(".result"));
  result.textContent = text;
  result.hidden = false;
  step.classList.add(isGood ? "done" : "failed");
  byId("now").append(paragraph(text, { class: isGood ? "result" : "result bad" }));
};

/** @param {number} index */
const showCurrent = (index) => {
  [...byId("steps").children].forEach((step, at) =>
    at === index ? step.setAttribute("aria-current", "step") : step.removeAttribute("aria-current"),
  );
  for (const device of Object.values(devices)) device.show(device.id === STEPS[index]?.device);
};

const showControls = () => {
  const isTelling = telling !== null;
  byId("play").textContent = isTelling
    ? clock.isRunning()
      ? "Pause"
      : "Go on"
    : hasPlayed
      ? "Play again"
      : "Play the story";
  // While somebody lets the accounts fail by hand, the story would mend them.
  for (const id of ["play", "step"]) byId(id, HTMLButtonElement).disabled = isFailing && !isTelling;
  byId("restart").hidden = !isTelling;
  byId("story").classList.toggle("telling-now", isTelling);
  byId("fault", HTMLButtonElement).disabled = isTelling || isFailing;
};

/** The story goes on, or pauses. @param {boolean} isNow */
const goOn = (isNow) => {
  clock.run(isNow);
  showControls();
};

/* What is done. */

const fail = async () => {
  isFailing = true;
  await setFaults(OUT_OF_ORDER);
};

const mend = async () => {
  isFailing = false;
  await resetFaults();
};

/** @param {Seen} seen */
const isServed = ({ isOnline, entity }) => isOnline && entity !== null;

/**
 * Everything waits while the story is paused, and ends when it does.
 * @param {Device} device
 * @param {AbortSignal} signal
 */
const hand = (device, signal) => {
  /** @type {Device["tell"]} */
  const tell = async (command, given) => {
    await clock.running(signal);
    return device.tell(command, given);
  };
  /** @param {(seen: Seen) => boolean} isSeen @param {string} what */
  const until = (isSeen, what) => device.until(isSeen, what, signal);
  return {
    seen: device.seen,
    until,
    call: tell,
    /** The answer comes when the chat serves them: by another widget than the one before. */
    signIn: async (/** @type {string} */ customer) => {
      const { widget } = await tell("sign_in", { customer });
      return until(
        (seen) => seen.customer === customer && seen.widget > widget && isServed(seen),
        "the chat of who signed in",
      );
    },
    signOut: async () => {
      const { widget } = await tell("sign_out");
      return until((seen) => seen.customer === "nobody" && seen.widget > widget && isServed(seen), "a guest’s chat");
    },
    openChat: async () => {
      await tell("open_chat");
      await until(({ isOpen }) => isOpen, "the chat’s window");
      await clock.wait(LOOKING / 3, signal);
    },
    write: async (/** @type {string} */ text) => {
      for (let length = STILL.matches ? text.length : 1; length <= text.length; length++) {
        await clock.wait(KEYSTROKE, signal);
        await tell("type", { text: text.slice(0, length) });
      }
      await clock.wait(LOOKING / 4, signal);
      await tell("send");
    },
  };
};

/** Everybody signs out, every conversation is forgotten, and nothing is out of order. @param {AbortSignal} signal */
const clear = async (signal) => {
  await mend();
  for (const device of Object.values(devices)) {
    const { customer, widget } = await device.until((seen) => seen.customer !== "changing", "who is signed in", signal);
    const isLeft = (/** @type {Seen} */ seen) =>
      seen.customer === "nobody" && isServed(seen) && (customer === "nobody" || seen.widget > widget);
    if (customer !== "nobody") await device.tell("sign_out");
    await device.until(isLeft, "a shop without anybody", signal);
    await device.tell("close_chat");
  }
  const answer = await fetch("/stand-in/story", { method: "POST" });
  if (!answer.ok) throw new Error(`the chat’s stand-in answered ${answer.status}`);
  for (const device of Object.values(devices))
    await device.until(({ messages }) => messages.length === 0, "an empty chat", signal);
};

/** Tells the story from its beginning to its end. @param {AbortSignal} signal */
const tellStory = async (signal) => {
  showSteps();
  showProgress(0, "at the beginning");
  showNow(paragraph("Everybody signs out, and the chat is emptied, so that the story can begin."));
  await clear(signal);
  const hands = /** @type {Record<import("./story_steps.js").DeviceId, Hand>} */ (
    Object.fromEntries(Object.entries(devices).map(([id, device]) => [id, hand(device, signal)]))
  );
  for (const [index, { words, act }] of STEPS.entries()) {
    const name = `Step ${index + 1} of ${STEPS.length}`;
    showProgress(index, name);
    showCurrent(index);
    const note = html("span", { class: "note" });
    showNow(html("p", {}, html("strong", {}, `${name}. `), words), html("p", { "aria-hidden": "true" }, note));
    try {
      await clock.wait(READING, signal);
      const result = await act({
        ...hands,
        fail,
        mend,
        wait: (duration, told) => clock.wait(duration, signal, told),
        note: (text) => (note.textContent = text),
      });
      note.parentElement?.remove();
      showResult(index, result, true);
    } catch (error) {
      if (!signal.aborted) showResult(index, `The story stops here: ${messageOf(error)}`, false);
      throw error;
    }
    showProgress(index + 1, `${name} is done`);
    if (isStepping) {
      goOn(false);
      await clock.running(signal);
    } else await clock.wait(LOOKING, signal);
  }
  showProgress(STEPS.length, "the end");
  showCurrent(-1);
  showNow(
    paragraph(
      "That is the story: one customer on every device, nobody else’s conversation, and nothing lost. Now try it yourself, below or on the benches.",
    ),
  );
};

const begin = async () => {
  telling = new AbortController();
  const { signal } = telling;
  goOn(true);
  // Where little fits on the screen, the story is at its top.
  if (matchMedia("(max-width: 40rem)").matches) byId("story").scrollIntoView({ block: "start" });
  try {
    await tellStory(signal);
  } catch (error) {
    if (signal.aborted) return;
    if (!byId("now").querySelector(".bad"))
      showNow(paragraph(`The story cannot be told: ${messageOf(error)}.`, { class: "result bad" }));
    await mend().catch(() => {});
  }
  telling = null;
  hasPlayed = true;
  goOn(false);
};

/* By hand. */

const failByHand = async () => {
  const now = byId("fault-now");
  const clockByHand = makeClock(1);
  clockByHand.run(true);
  try {
    await fail();
    showControls();
    await Promise.all(Object.values(devices).map((device) => device.tell("revoke")));
    now.textContent = "LiveChat’s accounts fail, and every token was called back. Write something.";
    await clockByHand.wait(10_000, new AbortController().signal);
    await mend();
    now.textContent = "The accounts are back.";
  } catch (error) {
    now.textContent = `The stand-in cannot be told: ${messageOf(error)}.`;
    await mend().catch(() => {});
  }
  showControls();
};

/* The beginning. */

const listen = () => {
  byId("play").addEventListener("click", () => {
    isStepping = false;
    if (telling === null) void begin();
    else goOn(!clock.isRunning());
  });
  byId("step").addEventListener("click", () => {
    // While the story plays, it stops after the step that is told.
    isStepping = true;
    if (telling === null) void begin();
    else goOn(true);
  });
  byId("restart").addEventListener("click", () => {
    telling?.abort(new DOMException("The story starts over.", "AbortError"));
    isStepping = false;
    void begin();
    byId("play").focus();
  });
  byId("fault").addEventListener("click", () => void failByHand());
  addEventListener("pagehide", () => {
    // A page that is left must not leave the accounts out of order.
    if (isFailing) void resetFaults({ keepalive: true }).catch(() => {});
  });
};

const open = async () => {
  fillHeader();
  showSteps();
  let site;
  try {
    site = await readSession();
  } catch (error) {
    showNow(paragraph("The shop does not answer."));
    return showBanner(`The site does not answer: ${messageOf(error)}. Reload the page when it runs again.`);
  }
  if (site.devices.length === 0) {
    return showNow(
      paragraph(
        "With LiveChat itself the story cannot be played: it needs the stand-in, which keeps every conversation on this machine.",
      ),
      html("p", {}, html("a", { href: "/livechat.html" }, "Go on to LiveChat’s bench.")),
    );
  }
  useStandIn(site.livechat.standInUrl);
  for (const address of site.devices) {
    devices[address.id] = makeDevice(address);
    byId("devices").append(devices[address.id].figure);
  }
  const results = await Promise.allSettled(Object.values(devices).map(({ opened }) => opened));
  if (results.some(({ status }) => status === "rejected")) {
    return showNow(
      paragraph("Not every device opened its shop: each that did not says below what to do.", { class: "result bad" }),
    );
  }
  showNow(
    paragraph(
      "The shop is open on three devices. The story takes about a minute and a half; it can be paused at any time.",
    ),
  );
  listen();
  showControls();
};

await open();
