// What the tests of leases need of a page: a count of the looks at the mark of a sign-out, which only the core takes, and strange clocks.

import { replace } from "./fixtures.js";

const MARK = "custom_identity_provider:generation";

/** How often the mark of a sign-out was read since the last time this was asked. */
export class Looks {
  constructor() {
    this.count = 0;
    const { getItem } = Storage.prototype;
    const looks = this;
    replace(Storage.prototype, "getItem", {
      writable: true,
      value(key) {
        if (key === MARK) looks.count += 1;
        return getItem.call(this, key);
      },
    });
  }

  take() {
    const { count } = this;
    this.count = 0;
    return count;
  }
}

/** From now on the page's clock is this. @param {"throws" | "NaN" | "text" | "missing"} how */
export const spoilClock = (how) => {
  const wall = Date.now();
  const clocks = {
    throws: () => {
      throw new Error("no clock");
    },
    NaN: () => NaN,
    text: () => `${wall}, or so`,
  };
  replace(Date, "now", { value: clocks[how] });
};

/** An identity function that names this person and does something else each time. */
export const identityThat = (id, act) => () => {
  act();
  return id;
};

/** Calls a method with something, as a widget may that knows better. */
export const callWith = (provider, given) => provider.getToken(given);

/** Resolves when another tab's sign-out has been carried to this page; the package, whose channel is older, has heard it before. */
export const signOutOfATab = () =>
  new Promise((resolve) => {
    const channel = new BroadcastChannel("custom_identity_provider:generation");
    channel.onmessage = () => {
      channel.close();
      resolve(undefined);
    };
  });
