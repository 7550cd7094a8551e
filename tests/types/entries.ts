// Each entry's own types: the slim one has `init`, the script is a global.

import * as slim from "custom-identity-provider/slim";
import * as whole from "custom-identity-provider";
import "custom-identity-provider/script";

export async function start(module: WebAssembly.Module, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const done: void = await slim.init();
  await slim.init("/custom_identity_provider.wasm");
  await slim.init(new URL("https://example.com/custom_identity_provider.wasm"));
  await slim.init(fetch("/custom_identity_provider.wasm"));
  await slim.init(await fetch("/custom_identity_provider.wasm"));
  await slim.init(module);
  await slim.init(bytes);
  void done;
}

// @ts-expect-error the default entry needs no init
whole.init;

// One face: whatever takes the default entry's functions takes those of the others.
slim satisfies typeof whole;
globalThis.custom_identity_provider satisfies typeof whole.custom_identity_provider;
globalThis.custom_identity_provider.configure({ source: "/livechat/token", identity: null });
globalThis.custom_identity_provider.sign_out() satisfies Promise<void>;
globalThis.custom_identity_provider satisfies Omit<typeof whole, "custom_identity_provider">;
// @ts-expect-error the script is loaded with its core inside
globalThis.custom_identity_provider.init;
try {
  custom_identity_provider();
} catch (error) {
  if (error instanceof custom_identity_provider.IdentityError) error.code satisfies whole.IdentityErrorCode;
}
