// The script's global for who requires it.

type Package = typeof import("./dist/index.cjs");

declare global {
  var custom_identity_provider: Package["custom_identity_provider"] & Omit<Package, "custom_identity_provider">;
}

export {};
