// What happens in the story, step by step: what is told, what is done, and what has to be seen for it to go on.

/** @typedef {import("./shop_remote.js").Seen} Seen */

/** @typedef {"laptop" | "phone" | "kiosk"} DeviceId */

/**
 * What a step is done with: the devices, and LiveChat's accounts, which fail and are mended.
 * @typedef {Record<DeviceId, import("./story.js").Hand> & {
 *   fail: () => Promise<void>,
 *   mend: () => Promise<void>,
 *   wait: (duration: number, told: (left: number) => void) => Promise<void>,
 *   note: (text: string) => void,
 * }} Stage
 */

/**
 * A step says which `device` it is about and `words` to tell; `act` does it, and answers what was seen.
 * @typedef {{ device: DeviceId, words: string, act: (stage: Stage) => Promise<string> }} Step
 */

/** @param {Seen} seen */
const texts = ({ messages }) => messages.map(({ text }) => text).join("\n");
/** @param {number} count @returns {(seen: Seen) => boolean} */
const holds = (count) => (seen) =>
  seen.isOnline && seen.messages.length === count && seen.messages.every(({ isUnsent }) => !isUnsent);
/** @param {number} number */
const counted = (number) => `${number} message${number === 1 ? "" : "s"}`;

/** What has to be true, or the story is not. @type {(isTrue: boolean, what: string) => asserts isTrue} */
const hold = (isTrue, what) => {
  if (!isTrue) throw new Error(what);
};

/** The beginning of an entity's id, by which it is known again. @param {string | null} entity */
const brief = (entity) => {
  hold(entity !== null, "LiveChat knows nobody there.");
  return entity.slice(0, 8);
};

/** @type {Step[]} */
export const STEPS = [
  {
    device: "laptop",
    words:
      "Somebody looks around in the shop, on a laptop. She has not signed in; the chat serves her as a guest, and she asks something.",
    act: async ({ laptop }) => {
      await laptop.openChat();
      await laptop.write("Hello, is the reading lamp in stock?");
      const { entity } = await laptop.until(holds(2), "the agent’s answer");
      return `LiveChat knows a guest, ${brief(entity)}, and Sam, the agent, has answered.`;
    },
  },
  {
    device: "laptop",
    words: "It is Ada. She signs in to order; by its one call, the shop tells the chat who she is.",
    act: async ({ laptop }) => {
      const { entity } = laptop.seen();
      await laptop.signIn("ada");
      await laptop.openChat();
      const there = await laptop.until(holds(2), "the conversation of the guest");
      hold(there.entity === entity, "Ada is another customer than the guest who she was.");
      return `The guest has become her customer, ${brief(entity)}: the conversation goes on.`;
    },
  },
  {
    device: "phone",
    words:
      "On the train, Ada signs in on her phone. It is another device, with no cookie and no storage of the laptop’s.",
    act: async ({ laptop, phone }) => {
      await phone.signIn("ada");
      await phone.openChat();
      const there = await phone.until(holds(2), "the conversation of the laptop");
      hold(there.entity === laptop.seen().entity, "The phone is another customer than the laptop.");
      hold(texts(there) === texts(laptop.seen()), "The phone shows another conversation than the laptop.");
      return `The same customer, the same ${counted(2)}: the conversation goes on here, too.`;
    },
  },
  {
    device: "phone",
    words: "She goes on writing where she is. The laptop at home follows.",
    act: async ({ laptop, phone }) => {
      await phone.write("I have ordered it. Will it be there tonight?");
      await phone.until(holds(4), "the answer on the phone");
      await laptop.until(holds(4), "the answer on the laptop");
      hold(texts(phone.seen()) === texts(laptop.seen()), "Phone and laptop show different conversations.");
      return `Both devices show the same ${counted(4)}.`;
    },
  },
  {
    device: "kiosk",
    words: "In the shop stands a kiosk, for everybody. Ada signs in there to look up what Sam wrote.",
    act: async ({ kiosk }) => {
      await kiosk.signIn("ada");
      await kiosk.openChat();
      await kiosk.until(holds(4), "Ada’s conversation");
      return `Her ${counted(4)} are there, too.`;
    },
  },
  {
    device: "kiosk",
    words: "Ada signs out and leaves. The chat that showed her conversation leaves the screen with her.",
    act: async ({ kiosk, laptop }) => {
      const left = await kiosk.signOut();
      hold(left.messages.length === 0, "Something of Ada’s is still there.");
      hold(left.entity !== laptop.seen().entity, "The kiosk is still Ada’s customer.");
      return "The kiosk’s chat is a guest’s again, and empty.";
    },
  },
  {
    device: "kiosk",
    words: "Grace is next at the kiosk. She signs in, opens the chat, and asks something of her own.",
    act: async ({ kiosk, laptop, phone }) => {
      const there = await kiosk.signIn("grace");
      await kiosk.openChat();
      hold(there.messages.length === 0, "Grace sees somebody else’s messages.");
      hold(there.entity !== laptop.seen().entity, "Grace and Ada are one customer.");
      await kiosk.write("Is the fern hard to keep?");
      const seen = await kiosk.until(holds(2), "the agent’s answer");
      for (const { messages } of [laptop.seen(), phone.seen()]) {
        hold(messages.length === 4, "Something of Grace’s came to Ada.");
        hold(
          messages.every(({ author, text }) => author !== "customer" || !texts(seen).includes(text)),
          "Grace sees something of Ada’s.",
        );
      }
      return `Another customer, ${brief(there.entity)}: she sees nothing of Ada’s, and Ada nothing of hers.`;
    },
  },
  {
    device: "phone",
    words:
      "Now LiveChat’s accounts fail for ten seconds, just when Ada’s token is called back. She does not know, and writes.",
    act: async ({ phone, fail, mend, wait, note }) => {
      await fail();
      await phone.call("revoke");
      await phone.write("Sam, could you have it left with my neighbour?");
      const isKept = (/** @type {Seen} */ { messages }) => messages.filter(({ isUnsent }) => isUnsent).length === 1;
      await phone.until((seen) => isKept(seen) && !seen.isOnline, "the message that waits");
      await wait(10_000, (left) => note(`The accounts fail for another ${Math.ceil(left / 1000)} s.`));
      hold(isKept(phone.seen()), "The message did not wait.");
      await mend();
      return "No token is to be had, and her message waits. She need not do anything.";
    },
  },
  {
    device: "phone",
    words: "The accounts are back. The package has kept asking, at a decent pace, and the chat goes on by itself.",
    act: async ({ laptop, phone }) => {
      await phone.until(holds(6), "the message that waited, and its answer");
      await laptop.until(holds(6), "the same on the laptop");
      hold(texts(phone.seen()) === texts(laptop.seen()), "Phone and laptop show different conversations.");
      return "The message was sent once, and answered. Nothing is lost.";
    },
  },
];
