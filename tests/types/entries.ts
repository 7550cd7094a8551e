// Each entry's own types: all have one face, and the script is a global.

import * as inline from "custom-identity-provider/inline";
import * as whole from "custom-identity-provider";
import "custom-identity-provider/script";

// One face: whatever takes the default entry's functions takes those of the others.
inline satisfies typeof whole;
whole satisfies typeof inline;
globalThis.custom_identity_provider satisfies typeof whole.custom_identity_provider;
globalThis.custom_identity_provider.configure({ source: "/livechat/token", identity: null });
globalThis.custom_identity_provider.sign_out() satisfies Promise<void>;
globalThis.custom_identity_provider satisfies Omit<typeof whole, "custom_identity_provider">;
try {
  custom_identity_provider();
} catch (error) {
  if (error instanceof custom_identity_provider.IdentityError) error.code satisfies whole.IdentityErrorCode;
}
