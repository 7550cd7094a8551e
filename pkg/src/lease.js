// @ts-check
// Answers that are given again without asking the core, for as long as it has lent them (rule 25). Nothing is decided here, only compared.

import { after, cancel, pageNow } from "./environment.js";
import { told } from "./identity.js";

/**
 * What the core has lent; the latest call's alone.
 * @type {{options: object, identity: string | null, promise: Promise<any>, from: number, until: number} | undefined}
 */
let standing;
/** @type {any} */
let timer;

/** Whatever the core is asked or told ends what it has lent. */
export const endLease = () => {
  standing = undefined;
};

/**
 * Lends a promise to who calls with these options, is this person, and calls at these moments of the wall clock.
 * @param {import("./options.js").ReadOptions} options
 * @param {string | null} identity
 * @param {Promise<any>} promise
 * @param {number} from
 * @param {number} until
 */
export const lend = (options, identity, promise, from, until) => {
  cancel(timer);
  // The wall clock may stand still, or be set back.
  timer = after(endLease, until - from);
  // An identity that had to be written otherwise for the core is not to be mixed up with who is called just that.
  if (timer === undefined || identity?.[0] === "\0") return;
  standing = { options, identity, promise, from, until };
};

/**
 * A `getToken` that gives what was lent while it is good, and else asks.
 * @param {import("./options.js").ReadOptions} options
 * @param {(call: any) => Promise<any>} ask
 * @returns {(call?: any) => Promise<any>}
 */
export const lending = (options, ask) => {
  const { identity } = options;
  return (call) => {
    const lease = standing;
    if (lease !== undefined && lease.options === options && call === undefined) {
      try {
        const said = identity?.();
        const now = pageNow();
        // The page's own functions may have told the core anything.
        if (lease === standing && now >= lease.from && now < lease.until) {
          if (said === lease.identity || told(said) === lease.identity) return lease.promise;
        }
      } catch {
        // The core finds out what is wrong.
      }
    }
    return ask(call);
  };
};
