// @ts-check
// Microsoft Omnichannel: a callback that is given a JWT, registered with the live chat SDK; and the promise that its npm packages take.
// Document: Microsoft, "Send authentication token".

import { DEADLINE, answerOnce, isNobody, within } from "./callback.js";
import { provide, sharedState } from "./engine.js";
import { Promise, after, attempt, canListen, cancel, complain, global, listen, unlisten } from "./environment.js";
import { notify } from "./event.js";
import { CALLABLE, given, passing, readOptions } from "./options.js";
import { watchPerson } from "./person.js";
import { quiet } from "./promise.js";
import { isRecord } from "./value.js";
import { withOptions } from "./widget.js";

/** @typedef {import("../index.js").OmnichannelOptions} Options */
/** @typedef {import("../index.js").AuthTokenProvider} AuthTokenProvider */

/** @type {import("./widget.js").Widget} */
const OMNICHANNEL = { name: "omnichannel", number: 1, wanted: () => "jwt", own: {} };

/** Omnichannel with the options of `connectOmnichannel`. */
const CONNECTED = /* @__PURE__ */ withOptions(OMNICHANNEL, {
  startChat: /* @__PURE__ */ passing(
    (start) => typeof start === "boolean" || isRecord(start),
    "a boolean, or the options of startChat",
  ),
  onSignOut: CALLABLE,
});

/** What `lcw:error` says of authentication, by its error code. */
const meanings = {
  2: "the authentication token provider failed or did not answer in time",
  3: "the authentication token provider gave no token",
  4: "Omnichannel calls the token invalid: its signature, claims or life",
};

/** @param {Options} options @param {string} type @param {object} details */
const tell = (options, type, details) => {
  const { onEvent } = given(options);
  if (onEvent) notify(onEvent, type, OMNICHANNEL.name, details);
};

/** @param {Options} options @returns {(error?: any) => void} */
const teller = (options) => (error) =>
  tell(options, "widget_answered", error ? { ok: false, code: error.code } : { ok: true });

/**
 * @param {Options} options
 * @param {import("./widget.js").Widget} [widget]
 */
const connect = (options, widget = OMNICHANNEL) => {
  const provider = provide(widget, options);
  const ask = () => within(DEADLINE, () => /** @type {Promise<any>} */ (provider.getToken()));
  /** @type {AuthTokenProvider} */
  const give = (callback) =>
    answerOnce(
      callback,
      ask,
      (token) => [token],
      () => [null],
      teller(options),
    );
  return { provider, ask, give };
};

/** @param {Options} options */
export const authTokenProvider = (options) => connect(options).give;

/**
 * @param {Options} options
 * @returns {() => Promise<string | null>}
 */
export const getAuthToken = (options) => {
  const { ask } = connect(options);
  return () => {
    /** @type {Promise<string | null>} */
    const answered = new Promise((resolve, reject) => {
      answerOnce(
        (/** @type {string | null} */ token, /** @type {any} */ error) => {
          // Nobody is signed in, or not any longer: the chat goes on unauthenticated. It must not do so for any other reason.
          if (!error || isNobody(error)) resolve(token);
          else reject(error);
        },
        ask,
        (token) => [token],
        (error) => [null, error],
        teller(options),
      );
    });
    return quiet(answered);
  };
};

/** @typedef {import("./person.js").Connection & {give: AuthTokenProvider, startChat: boolean | object | undefined, listener: object}} Connection */

/** How long the SDK may take to close a chat before the next one is started. Milliseconds. */
const CLOSING = 1_000;

/** The live chat SDK as it stands on the page. @returns {any} */
const sdk = () => attempt(() => global("Microsoft").Omnichannel.LiveChatWidget.SDK);

/** @param {unknown} error */
const failed = (error) => complain("custom-identity-provider: Omnichannel's SDK failed", error);

/** Calls the SDK; what it throws or rejects with is said. @param {() => unknown} call */
const call = (call) => void new Promise((resolve) => resolve(call())).catch(failed);

/** Microsoft's widget, by its live chat SDK. @returns {import("./person.js").Widget<Connection>} */
const runningWidget = () => {
  /** Whose provider the SDK has, or will have. @type {Connection | undefined} */
  let latest;
  /** The SDK that has it. @type {object | undefined} */
  let registered;
  /** For whom a chat is to be started. @type {import("./person.js").Person | false} */
  let due = false;
  /** For whom each SDK has started a chat. @type {WeakMap<object, import("./person.js").Person>} */
  const started = new WeakMap();
  /** Set while the old person's chat is being closed. @type {any} */
  let closing;

  const start = () => {
    const found = sdk();
    const startChat = latest?.startChat;
    if (!startChat || due === false || closing || !found || registered !== found) return;
    if (started.has(found) && started.get(found) === due) return;
    started.set(found, due);
    call(() => (startChat === true ? found.startChat() : found.startChat(startChat)));
  };

  const closed = () => {
    cancel(closing);
    closing = undefined;
    start();
  };

  const register = () => {
    const found = sdk();
    if (!found || !latest) return;
    try {
      if (found.getAuthTokenProvider?.() !== latest.give) found.setAuthTokenProvider(latest.give);
      registered = found;
      start();
    } catch (error) {
      failed(error);
    }
  };

  return {
    attach: (connection) => {
      if (connection === latest) return;
      latest = connection;
      listen("lcw:ready", register);
      listen("lcw:closeChat", closed);
      register();
    },
    end: (_connection, from) => {
      due = false;
      const found = sdk();
      // Who comes where nobody was finds nobody's conversation.
      if (!found || from === false || from === null) return;
      // Until the SDK has closed the chat, a new one would be the old one again.
      closing = after(closed, CLOSING);
      call(() => (found.closeChat ? found.closeChat() : found.endChat?.()));
    },
    begin: (_connection, person) => {
      const found = sdk();
      // Who left is followed by nobody: a chat is started for who comes next.
      if (person === null && found && started.has(found)) return void started.set(found, null);
      due = person;
      start();
    },
    detach: () => {
      unlisten("lcw:ready", register);
      unlisten("lcw:closeChat", closed);
      const found = sdk();
      try {
        if (latest && found?.getAuthTokenProvider?.() === latest.give) found.removeAuthTokenProvider();
      } catch (error) {
        failed(error);
      }
      latest = registered = undefined;
    },
    instance: sdk,
  };
};

/**
 * @param {import("../index.js").ConnectOptions} options
 * @returns {() => void}
 */
export const connectOmnichannel = (options) => {
  readOptions(CONNECTED, options);
  if (!canListen()) return () => {}; // There is no chat to connect outside a browser.
  const { provider, give } = connect(options, CONNECTED);
  const shared = /** @type {{omnichannel?: import("./person.js").Watch<Connection>}} */ (sharedState());
  const watch = (shared.omnichannel ??= watchPerson(runningWidget()));
  /** @param {any} event */
  const hear = ({ detail }) => {
    const errorCode = /** @type {2 | 3 | 4} */ (Number(attempt(() => detail.errorCode)));
    if (!(errorCode in meanings)) return;
    tell(options, "widget_error", { errorCode, meaning: meanings[errorCode] });
    // Another chat must not be begun with a token that was refused.
    if (errorCode === 4) provider.invalidate();
  };
  listen("lcw:error", hear);
  const { identity, startChat, onSignOut } = given(options);
  // Hears of sign-outs; the page's own onEvent is another handle's, so that it is told each event once.
  const listener = provide(CONNECTED, { ...options, onEvent: watch.hear });
  const undo = watch.connect({ give, identity, startChat, onSignOut, listener });
  return () => {
    unlisten("lcw:error", hear);
    undo();
  };
};
