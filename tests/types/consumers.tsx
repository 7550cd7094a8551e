// LiveChat's own packages take the provider as it stands, by their own types.

import type { CustomIdentityProvider, ExtendedWindow, Token as LiveChatToken } from "@livechat/widget-core";
import { createWidget } from "@livechat/widget-core";
import { LiveChatWidget } from "@livechat/widget-react";
import { init } from "@livechat/customer-sdk";
import type { CustomerAuth } from "@livechat/customer-auth";
import { configure, custom_identity_provider, type IdentityProvider, type Token } from "custom-identity-provider";

declare const window: ExtendedWindow;
declare const session: { user?: { id: string } };

const provider = () =>
  custom_identity_provider({
    licenseId: 12345678,
    identity: () => session.user?.id ?? null,
    source: "/livechat/token",
  });

// The snippet of the document.
window.__lc.custom_identity_provider = provider;
configure({ source: "/livechat/token", identity: null });
window.__lc.custom_identity_provider = custom_identity_provider;

provider satisfies CustomIdentityProvider;
custom_identity_provider satisfies CustomIdentityProvider;
createWidget({ license: "12345678", customIdentityProvider: provider });
export const react = <LiveChatWidget license="12345678" customIdentityProvider={provider} />;
export const configured = <LiveChatWidget organizationId="o" customIdentityProvider={custom_identity_provider} />;
// @ts-expect-error the factory, not what it makes
export const made = <LiveChatWidget license="12345678" customIdentityProvider={provider()} />;

init({ organizationId: "o", clientId: "client", identityProvider: provider }, "production", 12345678);
provider() satisfies Pick<CustomerAuth, "hasToken" | "invalidate">;

// A call gets the honest type, in which a licence may be unknown; what fits LiveChat's type is the provider as a whole.
declare const token: Token;
// @ts-expect-error licenseId may be missing
token satisfies LiveChatToken;
declare const unfinished: { getToken: () => Promise<string> };
// @ts-expect-error a provider has four methods that answer with tokens
unfinished satisfies IdentityProvider;
