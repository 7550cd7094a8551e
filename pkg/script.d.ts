// The plain script: one global function, with the rest of the package as its properties.

declare global {
  var custom_identity_provider: typeof import("./index.js").custom_identity_provider & {
    configure: typeof import("./index.js").configure;
    sign_out: typeof import("./index.js").sign_out;
    IdentityError: typeof import("./index.js").IdentityError;
  };
}

export {};
