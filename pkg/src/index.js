// @ts-check
// What the package exports. Where the core comes from is said by the module that the build puts in the place of `the-core`: it differs by entry.

export { sign_out } from "./engine.js";
export { IdentityError } from "./error.js";
export { authoriseChatWithCallback } from "./live_assist.js";
export { livePersonIdentity } from "./live_person.js";
export { configure, custom_identity_provider } from "./livechat.js";
export { connectLiveChat } from "./livechat_widget.js";
export { authTokenProvider, connectOmnichannel, getAuthToken } from "./omnichannel.js";
