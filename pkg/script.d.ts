// The plain script: one global function, with the rest of the package as its properties.

declare global {
  var custom_identity_provider: typeof import("./index.js").custom_identity_provider & {
    configure: typeof import("./index.js").configure;
    connectLiveChat: typeof import("./index.js").connectLiveChat;
    authTokenProvider: typeof import("./index.js").authTokenProvider;
    connectOmnichannel: typeof import("./index.js").connectOmnichannel;
    getAuthToken: typeof import("./index.js").getAuthToken;
    authoriseChatWithCallback: typeof import("./index.js").authoriseChatWithCallback;
    livePersonIdentity: typeof import("./index.js").livePersonIdentity;
    sign_out: typeof import("./index.js").sign_out;
    IdentityError: typeof import("./index.js").IdentityError;
  };
}

export {};
