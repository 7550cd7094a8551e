// @ts-check
// LivePerson's tag, which Live Assist is built on: it is told who the visitor is, and told again when that changes.
// Documents: LivePerson, "Authenticate in Web and Mobile Messaging" for the identity function, "Web Tag" for `newPage`.

import { DEADLINE, answerOnce, within } from "./callback.js";
import { provide, sharedState } from "./engine.js";
import { attempt, canListen, complainOnce, global } from "./environment.js";
import { badOption } from "./error.js";
import { takeApart } from "./json_web_token.js";
import { CALLABLE, given, milliseconds, oneOf } from "./options.js";
import { watchPerson } from "./person.js";

/** @typedef {import("../index.js").LiveAssistOptions} Options */
/** @typedef {import("./person.js").Connection & {listener: object}} Connection */

/** @type {import("./widget.js").Widget} */
export const LIVE_ASSIST = {
  name: "live_assist",
  number: 2,
  wanted: ({ flow }) => (flow === "code" ? "code" : "jwt"),
  own: {
    flow: /* @__PURE__ */ oneOf("implicit", "code"),
    failureForm: /* @__PURE__ */ oneOf("null", "empty_string", "empty_object"),
    signIn: CALLABLE,
    signInTimeout: /* @__PURE__ */ milliseconds(1),
    onSignOut: CALLABLE,
  },
};

/** What is watched while the page keeps the function that it gave to LivePerson: nothing says when that function is no longer used. @type {WeakMap<Function, Connection>} */
const kept = new WeakMap();

/** LivePerson's tag on the page. @returns {import("./person.js").Widget<Connection>} */
const tag = () => {
  let hasChanged = false;
  return {
    attach: () => {},
    end: (_connection, from) => {
      hasChanged = from !== false;
    },
    begin: () => {
      // For a new page the tag asks who the visitor is.
      if (hasChanged)
        attempt(() => global("lpTag").newPage(global("location").href, { section: global("lpTag").section }));
    },
    detach: () => {},
    instance: () => undefined,
  };
};

/**
 * A function for LivePerson, which is told when the visitor changes.
 * @template {Function} T
 * @param {Options} options
 * @param {T} asked
 * @returns {T}
 */
export const watched = (options, asked) => {
  if (!canListen() || !global("document")) return asked;
  const shared = /** @type {{live_assist?: import("./person.js").Watch<Connection>}} */ (sharedState());
  const watch = (shared.live_assist ??= watchPerson(tag()));
  const { identity, onSignOut } = given(options);
  const connection = { identity, onSignOut, listener: provide(LIVE_ASSIST, { ...options, onEvent: watch.hear }) };
  kept.set(asked, connection);
  watch.connect(connection, true);
  return asked;
};

/**
 * @param {Options} options
 * @returns {import("../index.js").LivePersonIdentity}
 */
export const livePersonIdentity = (options) => {
  const provider = provide(LIVE_ASSIST, options);
  if (given(options).flow === "code") throw badOption("flow", '"implicit": a code does not say whose it is');
  return watched(options, (/** @type {(identity: import("../index.js").VisitorIdentity) => void} */ callback) =>
    answerOnce(
      callback,
      async () => {
        const token = /** @type {any} */ (await within(DEADLINE, () => provider.getToken()));
        const { iss, sub } = takeApart(token);
        if (typeof iss === "string" && typeof sub === "string") return { iss, acr: "loa1", sub };
        complainOnce("LivePerson is not told who the visitor is: the JSON Web Token has no iss or no sub");
        return undefined;
      },
      (identity) => (identity ? [identity] : undefined),
      () => undefined,
      () => {},
    ),
  );
};
