// @ts-check
// The default entry: self-contained and synchronous; the core is inlined and instantiated at the first call.

import inlined from "../generated/webassembly/inlined_wasm.js";
import { signOutWith } from "./engine.js";
import { instantiate } from "./instantiate.js";
import { authoriseChatWithCallbackWith } from "./live_assist.js";
import { livePersonIdentityWith } from "./live_person.js";
import { customIdentityProviderWith } from "./livechat.js";
import { connectLiveChatWith } from "./livechat_widget.js";
import { authTokenProviderWith, connectOmnichannelWith, getAuthTokenWith } from "./omnichannel.js";

/** The bytes of the core, each of which is a character of the text. */
const bytesOfCore = () => {
  const bytes = new Uint8Array(inlined.length);
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = inlined.charCodeAt(at);
  return bytes;
};

const load = () => instantiate(bytesOfCore());

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
export { IdentityError } from "./error.js";
