// @ts-check
// The slim entry: the core is a file of its own, fetched by `init`.

import { global } from "./environment.js";
import { IdentityError } from "./error.js";
import { loadError, signOutWith } from "./engine.js";
import { instantiate, isModule, webAssembly } from "./instantiate.js";
import { authoriseChatWithCallbackWith } from "./live_assist.js";
import { livePersonIdentityWith } from "./live_person.js";
import { customIdentityProviderWith } from "./livechat.js";
import { connectLiveChatWith } from "./livechat_widget.js";
import { authTokenProviderWith, connectOmnichannelWith, getAuthTokenWith } from "./omnichannel.js";

/** @type {WebAssembly.Module | undefined} */
let compiled;
/** Why the latest init failed; a call made after it says so. @type {IdentityError | undefined} */
let failure;

/**
 * Fetches and compiles the core; to be awaited before the first call. A failure is not remembered: call it again.
 * @param {string | URL | Response | BufferSource | WebAssembly.Module | Promise<Response>} [source] default: the file beside this module
 */
export const init = async (source) => {
  try {
    const found = await (source ?? new URL("./custom_identity_provider.wasm", import.meta.url));
    compiled = isModule(found) ? found : await webAssembly().compile(await bytes(found));
  } catch (cause) {
    throw (failure = loadError(cause));
  }
};

/** @param {any} source a string, a URL, a Response, or bytes: told by what it can do, for it may be of another frame */
const bytes = async (source) => {
  const response =
    typeof source === "string" || typeof source.href === "string" ? await global("fetch")(source) : source;
  if (typeof response.arrayBuffer !== "function") return response;
  if (response.ok) return response.arrayBuffer();
  throw new IdentityError("WASM_MISSING", "the WebAssembly file could not be fetched; see status", {
    status: response.status,
  });
};

const load = () => {
  if (!compiled)
    throw (
      failure ??
      new IdentityError("WASM_MISSING", "await init() of custom-identity-provider/slim before the first call")
    );
  return instantiate(compiled);
};

/** @param {Partial<import("../index.js").LiveChatOptions>} [options] */
export const custom_identity_provider = (options) => customIdentityProviderWith(load, options);
/** @param {import("../index.js").ConnectLiveChatOptions} [options] */
export const connectLiveChat = (options) => connectLiveChatWith(load, options);
/** @param {import("../index.js").OmnichannelOptions} options */
export const authTokenProvider = (options) => authTokenProviderWith(load, options);
/** @param {import("../index.js").ConnectOptions} options */
export const connectOmnichannel = (options) => connectOmnichannelWith(load, options);
/** @param {import("../index.js").OmnichannelOptions} options */
export const getAuthToken = (options) => getAuthTokenWith(load, options);
/** @param {import("../index.js").LiveAssistOptions} options */
export const authoriseChatWithCallback = (options) => authoriseChatWithCallbackWith(load, options);
/** @param {import("../index.js").LiveAssistOptions} options */
export const livePersonIdentity = (options) => livePersonIdentityWith(load, options);
export const sign_out = () => signOutWith(load);
export { configure } from "./livechat.js";
export { IdentityError };
