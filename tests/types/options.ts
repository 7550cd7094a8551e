// What a page may and may not write as options.

import { custom_identity_provider, configure, type LiveChatOptions, type Source } from "custom-identity-provider";

declare const user: { id: string } | undefined;
const identity = () => user?.id ?? null;
const licenseId = 12345678;

// Every kind of source.
const sources: Source[] = [
  "/livechat/token",
  new URL("https://example.com/livechat/token"),
  { url: "/livechat/token" },
  { url: "/livechat/token", method: "GET", headers: { "x-csrf": "1" }, credentials: "include" },
  { url: "/livechat/token", body: "{}" },
  {
    grant: "cookie",
    clientId: "client",
    redirectUri: "https://example.com/",
    accountsUrl: "https://accounts.example.com",
  },
  { grant: "identity_token", clientId: "client", transferUrl: "/livechat/transfer" },
  async ({ signal, identity, reason }) => {
    const aborted: boolean = signal.aborted;
    const who: string | null = identity;
    const why: "get" | "fresh" | "ahead" = reason;
    void [aborted, who, why];
    return { access_token: "a", entity_id: "e", expires_in: 28800, token_type: "Bearer" };
  },
  () => ({ accessToken: "a", entityId: "e", expiresIn: 28_800_000, tokenType: "Bearer", creationDate: Date.now() }),
];
for (const source of sources) custom_identity_provider({ licenseId, identity, source });

// @ts-expect-error a request by GET has no body
({ url: "/livechat/token", method: "GET", body: "{}" }) satisfies Source;
// @ts-expect-error DELETE is no method of a token request
({ url: "/livechat/token", method: "DELETE" }) satisfies Source;
// @ts-expect-error an agent token does not belong in a browser
({ grant: "agent_token", clientId: "client" }) satisfies Source;
// @ts-expect-error the cookie grant needs a client
({ grant: "cookie" }) satisfies Source;
// @ts-expect-error the identity_token grant needs the page's own service
({ grant: "identity_token", clientId: "client" }) satisfies Source;
// @ts-expect-error an answer without an entity is no token
(() => ({ access_token: "a", expires_in: 1, token_type: "Bearer" })) satisfies Source;

// Identity: required with LiveChat's default cache, null meaning that nobody can be signed in.
custom_identity_provider({ licenseId, source: "/livechat/token", identity: null });
custom_identity_provider({ licenseId, source: "/livechat/token", identity: () => 7 });
custom_identity_provider({ licenseId, source: "/livechat/token", cache: "session", identity });
custom_identity_provider({ licenseId, source: "/livechat/token", cache: "memory" });
custom_identity_provider({ organizationId: "o", source: "/livechat/token", cache: "none" });
// @ts-expect-error identity is missing
custom_identity_provider({ licenseId, source: "/livechat/token" });
// @ts-expect-error identity is missing
custom_identity_provider({ licenseId, source: "/livechat/token", cache: "session" });
// @ts-expect-error identity is a function, so that it can be read at every call
custom_identity_provider({ licenseId, source: "/livechat/token", identity: "customer-1" });
// @ts-expect-error identity answers at once
custom_identity_provider({ licenseId, source: "/livechat/token", identity: async () => "customer-1" });

// Wrong names and values.
// @ts-expect-error no such cache
custom_identity_provider({ licenseId, source: "/livechat/token", identity, cache: "local" });
// @ts-expect-error unknown option
custom_identity_provider({ licenseId, source: "/livechat/token", identity, licence: 1 });
// A licence may be its digits, as LiveChat's own modules write it.
custom_identity_provider({ licenseId: "12345678", source: "/livechat/token", identity });
// @ts-expect-error durations are numbers
custom_identity_provider({ licenseId, source: "/livechat/token", identity, timeout: "10 s" });

// Everything at once.
const everything: LiveChatOptions = {
  licenseId,
  organizationId: "o",
  source: "/livechat/token",
  cache: "session",
  identity,
  margin: 30_000,
  refreshAhead: 600_000,
  tabs: "share",
  timeout: 10_000,
  patience: 30_000,
  onEvent: (event) => console.log(event.type),
};

// Defaults, and what goes without saying after them.
configure(everything);
configure({ licenseId });
configure({ source: "/livechat/token" });
custom_identity_provider();
custom_identity_provider({ licenseId });
custom_identity_provider({ cache: "none" });
// @ts-expect-error unknown option
configure({ sources: "/livechat/token" });
// @ts-expect-error unknown option
custom_identity_provider({ licence: 1 });
