// @ts-check
// LiveChat's running widget: it learns from `window.__lc` who is signed in, and is removed from the page when that person leaves.
// Document: LiveChat, "Chat Widget JS API".

import { after, attempt, canListen, complainOnce, defineGlobal, describeGlobal, global } from "./environment.js";
import { sharedState } from "./engine.js";
import { LIVECHAT, custom_identity_provider } from "./livechat.js";
import { BOOLEAN, CALLABLE, given, readOptions } from "./options.js";
import { watchPerson } from "./person.js";
import { isRecord } from "./value.js";
import { withOptions } from "./widget.js";

/** @typedef {import("../index.js").IdentityProvider} IdentityProvider */
/** @typedef {Partial<import("../index.js").LiveChatOptions> & {restart?: boolean, onSignOut?: () => void}} Options */
/** @typedef {import("./person.js").Connection & {restart: boolean, make: () => IdentityProvider, listen: () => void}} Connection */

/** LiveChat with the options of `connectLiveChat`. */
const CONNECTED = /* @__PURE__ */ withOptions(LIVECHAT, {
  restart: BOOLEAN,
  onSignOut: CALLABLE,
});

/**
 * `window.__lc`, which LiveChat's snippet makes: kept with a provider in it, whoever makes it, and however late.
 * @param {() => IdentityProvider} provider
 */
const settings = (provider) => {
  let isWanted = false;
  /** Its value, while it is watched. @type {any} */
  let held;
  /** The page's own provider, which ours replaced. @type {unknown} */
  let earlier;
  /** The object that was put there because there was none. @type {object | undefined} */
  let made;
  const get = () => held;

  /** @param {boolean} isFirm whether another's provider has to go */
  const put = (isFirm) => {
    if (!isWanted) return;
    const target = global("__lc");
    const found = attempt(() => target.custom_identity_provider);
    if (found === provider || (found && !isFirm)) return;
    earlier = found;
    const assign = () => {
      target.custom_identity_provider = provider;
      return target.custom_identity_provider === provider;
    };
    if (isRecord(target) && attempt(assign)) return;
    // Nothing is there, or it is frozen.
    const copy = attempt(() => ({ ...target, custom_identity_provider: provider }));
    if (!isRecord(target)) made = copy;
    const descriptor = describeGlobal("__lc");
    if (descriptor?.get === get) held = copy;
    else
      defineGlobal("__lc", { value: copy, writable: true, configurable: descriptor ? descriptor.configurable : true });
    if (attempt(() => global("__lc").custom_identity_provider) !== provider) {
      complainOnce("window.__lc cannot be written, so LiveChat's widget cannot be told who is signed in");
    }
  };

  /** Removes our provider. */
  const takeBack = () => {
    const target = global("__lc");
    if (attempt(() => target.custom_identity_provider) !== provider) return;
    attempt(() => (earlier ? (target.custom_identity_provider = earlier) : delete target.custom_identity_provider));
  };

  return {
    /** @param {boolean} wanted @param {boolean} [isFirm] */
    want: (wanted, isFirm = !isWanted) => {
      isWanted = wanted;
      const descriptor = describeGlobal("__lc");
      // A page's `var __lc` can't be redefined, so it can't be watched: it is looked at now and then.
      if (!descriptor?.get && descriptor?.configurable !== false) {
        held = descriptor?.value;
        const set = (/** @type {any} */ value) => {
          held = value;
          put(true);
        };
        defineGlobal("__lc", { get, set });
      }
      if (wanted) put(isFirm);
      else takeBack();
    },
    release: () => {
      isWanted = false;
      takeBack();
      if (describeGlobal("__lc")?.get !== get) return;
      const isNothing = held === undefined || (held === made && !Object.keys(held).length);
      defineGlobal("__lc", isNothing ? undefined : { value: held, writable: true });
    },
  };
};

/** The widget that runs on the page, by the object that LiveChat's snippet makes. @returns {import("./person.js").Widget<Connection>} */
const runningWidget = () => {
  /** The connection whose provider is given to the widget. @type {Connection} */
  let latest;
  /** Whether the running widget has asked for its provider. */
  let isAsked = false;
  /** Whether a widget was removed that may restart. */
  let isEnded = false;
  /** Whether the widget that is being loaded already belongs to another person. */
  let isStale = false;

  const { want, release } = settings(() => {
    isAsked = true;
    return latest.make();
  });

  /** @param {Connection} connection @param {unknown} person */
  const isServed = ({ hasGuests }, person) => person !== null || hasGuests === true;

  const destroy = () => {
    const found = global("LiveChatWidget");
    const isLoading = Boolean(global("__lc_inited"));
    if (typeof attempt(() => found.call) !== "function") {
      if (isLoading)
        complainOnce("window.LiveChatWidget is missing, so the running widget cannot be taken off the page");
      return;
    }
    if (attempt(() => found._h) === null) {
      // It is not loaded yet, so it cannot be destroyed. If its script has read `window.__lc` already, it must restart as soon as it is there.
      if (isStale || !(isLoading || isAsked)) return;
      isStale = true;
      attempt(() => found.once("ready", () => after(replace, 0)));
      return;
    }
    isStale = isAsked = false;
    try {
      found.call("destroy");
      isEnded = true;
    } catch (error) {
      complainOnce('LiveChatWidget.call("destroy") failed, so the running widget may still be there', error);
      return;
    }
    if (global("LiveChatWidget")) return;
    // LiveChat's script removes this object together with the widget. It is put back as the snippet made it, because other code may use it meanwhile.
    attempt(() => Object.assign(found, { _h: null, _q: [] }));
    defineGlobal("LiveChatWidget", { value: found, writable: true });
  };

  /** @param {Connection} connection */
  const begin = ({ restart }) => {
    if (!isEnded) return;
    isEnded = false;
    if (!restart) return;
    try {
      global("LiveChatWidget").init();
    } catch (error) {
      complainOnce("LiveChatWidget.init() failed, so there is no widget", error);
    }
  };

  const replace = () => {
    if (!isStale) return;
    destroy();
    begin(latest);
  };

  return {
    attach: (connection, person) => {
      latest = connection;
      connection.listen();
      want(isServed(connection, person));
    },
    end: (connection, from, to) => {
      // LiveChat's own anonymous customer stays as it is.
      if (from !== false || isServed(connection, to)) destroy();
    },
    begin: (connection, person) => {
      want(isServed(connection, person), true);
      begin(connection);
    },
    detach: release,
    instance: () => global("LC_API"),
  };
};

/**
 * @param {Options} [options]
 * @returns {() => void}
 */
export const connectLiveChat = (options = {}) => {
  const complete = isRecord(options) ? { ...sharedState().defaults, ...given(options) } : options;
  // A snippet that comes later may name the licence; everything else must be right at once.
  const known =
    isRecord(complete) && complete.licenseId === undefined && complete.organizationId === undefined
      ? { ...complete, licenseId: 1 }
      : complete;
  const { identity, guests } = readOptions(CONNECTED, known);
  if (!canListen() || !global("document")) return () => {}; // There is no widget outside a page.
  const { restart, onSignOut, ...own } = given(options);
  const shared = /** @type {{livechat?: import("./person.js").Watch<Connection>}} */ (sharedState());
  const watch = (shared.livechat ??= watchPerson(runningWidget()));
  /** Whether the account is known, from the options or from the snippet. */
  const isKnown = () => known === complete || attempt(() => global("__lc").license || global("__lc").organizationId);
  /** Hears of sign-outs; the page's own onEvent is another handle's, so that it is told each event once. @type {IdentityProvider | undefined} */
  let listener;
  return watch.connect({
    identity: /** @type {(() => unknown) | null | undefined} */ (identity),
    onSignOut,
    restart: restart !== false,
    hasGuests: guests !== undefined,
    make: () => custom_identity_provider(own),
    listen: () => {
      if (isKnown()) listener ??= attempt(() => custom_identity_provider({ ...own, onEvent: watch.hear }));
    },
  });
};
