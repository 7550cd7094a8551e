// Microsoft Omnichannel: what a page may and may not write, and what it gets.

import { OmnichannelChatSDK } from "@microsoft/omnichannel-chat-sdk";
import {
  authTokenProvider,
  connectOmnichannel,
  getAuthToken,
  type AuthTokenProvider,
  type ConnectOptions,
  type GetAuthToken,
  type JwtAnswer,
  type JwtSource,
  type OmnichannelOptions,
} from "custom-identity-provider";

declare const user: { id: string } | undefined;
const identity = () => user?.id ?? null;
const source = "/omnichannel/token";

// Every kind of source, and of answer.
const sources: JwtSource[] = [
  source,
  new URL("https://example.com/omnichannel/token"),
  { url: source, method: "GET", headers: { accept: "text/plain" }, credentials: "include" },
  { url: source, body: "{}" },
  () => "header.claims.signature",
  async ({ signal, identity, reason, codeChallenge }) => {
    const aborted: boolean = signal.aborted;
    const who: string | null = identity;
    const why: "get" | "fresh" | "ahead" = reason;
    const bound: string | undefined = codeChallenge;
    void [aborted, who, why, bound];
    return { token: "header.claims.signature" };
  },
  async () => null,
];
for (const source of sources) getAuthToken({ source });
// @ts-expect-error a LiveChat token is no JWT
getAuthToken({ source: () => ({ access_token: "a", entity_id: "e", expires_in: 1, token_type: "Bearer" }) });
// @ts-expect-error a code belongs to Live Assist
getAuthToken({ source: () => ({ ssoKey: "code", redirect_uri: "https://liveperson.net" }) });
// @ts-expect-error nobody signed in is null: undefined is a forgotten return
getAuthToken({ source: () => undefined });
// @ts-expect-error LiveChat's grants are not Omnichannel's
getAuthToken({ source: { grant: "cookie", clientId: "client" } });
// @ts-expect-error a request by GET has no body
getAuthToken({ source: { url: source, method: "GET", body: "{}" } });
// @ts-expect-error an answer is a string, not a number
7 satisfies JwtAnswer;

// Identity is required only with a cache that outlives the page.
authTokenProvider({ source });
authTokenProvider({ source, cache: "none" });
authTokenProvider({ source, identity, cache: "memory", organizationId: "o" });
authTokenProvider({ source, identity, cache: "session" });
authTokenProvider({ source, identity: null, cache: "session" });
// @ts-expect-error identity is missing
authTokenProvider({ source, cache: "session" });
// @ts-expect-error identity answers at once
authTokenProvider({ source, identity: async () => "customer-1" });
// @ts-expect-error no such cache
authTokenProvider({ source, cache: "local" });
// @ts-expect-error source is missing
authTokenProvider({ identity });
// @ts-expect-error options are missing: Omnichannel has no defaults
authTokenProvider();

// Options of the other widgets.
// @ts-expect-error a licence is LiveChat's
authTokenProvider({ source, licenseId: 12345678 });
// @ts-expect-error flows are Live Assist's
authTokenProvider({ source, flow: "code" });
// @ts-expect-error signIn is Live Assist's
getAuthToken({ source, signIn: () => true });
// @ts-expect-error failureForm is Live Assist's
getAuthToken({ source, failureForm: "null" });

// Starting a chat is for what knows the SDK.
connectOmnichannel({ source, startChat: true });
connectOmnichannel({ source, identity, startChat: { inNewWindow: true } });
connectOmnichannel({ source }) satisfies () => void;
connectOmnichannel({ source, identity, onSignOut: () => {} });
// @ts-expect-error what is called at sign-out is a function
connectOmnichannel({ source, onSignOut: "yes" });
// @ts-expect-error a provider by itself watches nobody
authTokenProvider({ source, onSignOut: () => {} });
// @ts-expect-error restart is LiveChat's
connectOmnichannel({ source, restart: false });
// @ts-expect-error startChat is no name
connectOmnichannel({ source, startChat: "yes" });
// @ts-expect-error only connectOmnichannel starts chats
authTokenProvider({ source, startChat: true });
// @ts-expect-error only connectOmnichannel starts chats
getAuthToken({ source, startChat: true });

// Everything at once.
const everything: OmnichannelOptions = {
  source,
  identity,
  cache: "session",
  organizationId: "o",
  margin: 1_000,
  refreshAhead: 60_000,
  tabs: "share",
  timeout: 5_000,
  patience: 7_000,
  onEvent: (event) => console.log(event.type),
};
({ ...everything, startChat: true }) satisfies ConnectOptions;

// What comes of it.
const give: AuthTokenProvider = authTokenProvider(everything);
give((token) => {
  const jwt: string | null = token;
  // @ts-expect-error there may be none
  const certain: string = token;
  void [jwt, certain];
});
// @ts-expect-error a callback, not its answer
give("token");
// @ts-expect-error the callback is not optional
give();
// @ts-expect-error nothing comes back but by the callback
const answered: string = give(() => {});
void answered;

const ask: GetAuthToken = getAuthToken(everything);
export async function asked(): Promise<void> {
  const token: string | null = await ask();
  // @ts-expect-error there may be none
  const certain: string = await ask("name");
  void [token, certain];
}

// Microsoft's own packages, by their own types.
ask satisfies NonNullable<NonNullable<ConstructorParameters<typeof OmnichannelChatSDK>[1]>["getAuthToken"]>;
new OmnichannelChatSDK({ orgUrl: "https://organization.example", orgId: "o", widgetId: "w" }, { getAuthToken: ask });
// @ts-expect-error a callback's form is not the chat SDK's
new OmnichannelChatSDK({ orgUrl: "https://organization.example", orgId: "o", widgetId: "w" }, { getAuthToken: give });
// As @microsoft/omnichannel-chat-widget declares it, and as the reference describes it with authentication in the middle of a conversation.
ask satisfies (authClientFunction?: string) => Promise<string | null>;
ask satisfies (name: string, context: { isMidAuthEnabled: boolean }) => Promise<string | null>;
