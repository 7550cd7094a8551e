// @ts-check
// Who is signed in, by what the page's own function returns.

import { attempt, complainOnce, promised } from "./environment.js";
import { IdentityError } from "./error.js";

/** @type {WeakMap<Function, number>} */
const callers = new WeakMap();
let latest = 0;

/**
 * The number of an identity function: calls with the same function are answered together. 0 if there is no function, so the answer never changes.
 * @param {Function | null | undefined} identity
 */
export const callerOf = (identity) => {
  if (typeof identity !== "function") return 0;
  const known = callers.get(identity) ?? (latest += 1);
  callers.set(identity, known);
  return known;
};

/**
 * What the core gets in place of an identity with lone surrogates, which have no UTF-8 form: otherwise two such identities would be one person.
 * @param {string} identity
 */
const wellFormed = (identity) => (/^\0|[\uD800-\uDFFF]/u.test(identity) ? `\0${JSON.stringify(identity)}` : identity);

/** The identity that the core was told. @param {string | undefined} identity */
export const identityOf = (identity) =>
  identity?.startsWith("\0") ? /** @type {string} */ (JSON.parse(identity.slice(1))) : (identity ?? null);

/**
 * The page's own id of the person who is signed in at this moment; null if nobody is, and an IdentityError if that can't be known.
 * @param {(() => unknown) | null | undefined} identity
 * @returns {string | null | IdentityError}
 */
export const readIdentity = (identity) => {
  let answer;
  try {
    answer = identity?.();
  } catch (cause) {
    return badIdentity("failed; see cause", { cause });
  }
  return told(answer);
};

/** What the core is told of an identity function's answer. @param {unknown} answer @returns {string | null | IdentityError} */
export const told = (answer) => {
  if (answer === null || answer === undefined) return null;
  if (typeof answer === "string" && answer) return wellFormed(answer);
  if (typeof answer === "number" && Number.isFinite(answer)) return String(answer);
  // A promise is the page's mistake, which is reported here. If it fails, there must not be an unhandled rejection as well.
  attempt(() => promised(answer).catch(() => {}));
  return badIdentity(
    `answered with ${described(answer)}, expected at once the user's id (a non-empty string or a number), or null when nobody is signed in`,
  );
};

/** A mistake of the page. It is said in the console, too, because a widget that swallows rejections would hide it. @param {string} what @param {object} [details] */
const badIdentity = (what, details) => {
  const message = `the function given as identity ${what}`;
  complainOnce(message);
  return new IdentityError("BAD_IDENTITY", message, details);
};

/** What kind of thing a wrong answer is; never the answer itself. @param {unknown} answer */
const described = (answer) =>
  answer === ""
    ? "an empty string"
    : typeof answer === "number"
      ? "a number that is not finite"
      : attempt(() => typeof (/** @type {any} */ (answer).then)) === "function"
        ? "a promise"
        : typeof answer === "object"
          ? "an object"
          : `a ${typeof answer}`;
