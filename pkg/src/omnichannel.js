// @ts-check
// Microsoft Omnichannel: a callback that is given a JWT, registered with the live chat SDK; and the promise that its npm packages take.
// Document: Microsoft, "Send authentication token".

import { DEADLINE, answerOnce, isNobody, within } from "./callback.js";
import { provide } from "./engine.js";
import { notify } from "./event.js";

/** @typedef {import("../index.js").OmnichannelOptions} Options */
/** @typedef {import("../index.js").AuthTokenProvider} AuthTokenProvider */

const WIDGET = "omnichannel";

/** What `lcw:error` says of authentication, by its error code. */
const meanings = {
  2: "the authentication token provider failed or did not answer in time",
  3: "the authentication token provider gave no token",
  4: "Omnichannel calls the token invalid: its signature, claims or life",
};

/** @param {Options} options @param {string} type @param {object} details */
const tell = ({ onEvent }, type, details) => {
  if (onEvent) notify(onEvent, type, WIDGET, details);
};

/** @param {Options} options @returns {(error?: any) => void} */
const teller = (options) => (error) => tell(options, "widget_answered", error ? { ok: false, code: error.code } : { ok: true });

/**
 * @param {() => void} load
 * @param {Options} options
 * @param {string[]} [own]
 */
const connect = (load, options, own = []) => {
  const provider = provide(load, WIDGET, options, own);
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

/** @param {() => void} load @param {Options} options */
export const authTokenProviderWith = (load, options) => connect(load, options).give;

/**
 * @param {() => void} load
 * @param {Options} options
 * @returns {() => Promise<string | null>}
 */
export const getAuthTokenWith = (load, options) => {
  const { ask } = connect(load, options);
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
    answered.catch(() => {});
    return answered;
  };
};

/**
 * @param {() => void} load
 * @param {import("../index.js").ConnectOptions} options
 * @returns {() => void}
 */
export const connectOmnichannelWith = (load, options) => {
  const { provider, give } = connect(load, options, ["startChat"]);
  const { startChat } = options;
  if (typeof addEventListener !== "function") return () => {}; // There is no chat to connect outside a browser.
  /** @returns {any} */
  const sdk = () => /** @type {any} */ (globalThis).Microsoft?.Omnichannel?.LiveChatWidget?.SDK;
  /** @param {unknown} error */
  const complain = (error) => console.error("custom-identity-provider: Omnichannel's SDK failed", error);
  let hasStarted = false;
  const register = () => {
    const found = sdk();
    if (!found) return;
    try {
      if (found.getAuthTokenProvider?.() !== give) found.setAuthTokenProvider(give);
      if (startChat && !hasStarted) {
        hasStarted = true;
        const started = startChat === true ? found.startChat() : found.startChat(startChat);
        Promise.resolve(started).catch(complain);
      }
    } catch (error) {
      complain(error);
    }
  };
  /** @param {any} event */
  const hear = ({ detail }) => {
    const errorCode = /** @type {2 | 3 | 4} */ (Number(detail?.errorCode));
    if (!(errorCode in meanings)) return;
    tell(options, "widget_error", { errorCode, meaning: meanings[errorCode] });
    // Another chat must not be begun with a token that was refused.
    if (errorCode === 4) provider.invalidate();
  };
  addEventListener("lcw:ready", register);
  addEventListener("lcw:error", hear);
  register();
  return () => {
    removeEventListener("lcw:ready", register);
    removeEventListener("lcw:error", hear);
    try {
      const found = sdk();
      if (found?.getAuthTokenProvider?.() === give) found.removeAuthTokenProvider();
    } catch (error) {
      complain(error);
    }
  };
};
