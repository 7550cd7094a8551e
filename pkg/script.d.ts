// The plain script: one global function, with the rest of the package as its properties.

type Package = typeof import("./index.js");

declare global {
  var custom_identity_provider: Package["custom_identity_provider"] & Omit<Package, "custom_identity_provider">;
}

export {};
