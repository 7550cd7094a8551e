// Live Assist: what a page may and may not write, and what it gets.

import {
  authoriseChatWithCallback,
  livePersonIdentity,
  type AuthoriseChatWithCallback,
  type AuthorizationCode,
  type CodeAnswer,
  type CodeSource,
  type FailureForm,
  type LiveAssistOptions,
  type LivePersonIdentity,
  type VisitorIdentity,
} from "custom-identity-provider";

declare const user: { id: string } | undefined;
const identity = () => user?.id ?? null;
const source = "/live-assist/token";

// Implicit flow: a JWT, as for Omnichannel.
authoriseChatWithCallback({ source });
authoriseChatWithCallback({ source, flow: "implicit", identity, cache: "session" });
authoriseChatWithCallback({ source: () => "header.claims.signature" });
authoriseChatWithCallback({ source: async () => ({ token: "header.claims.signature" }) });
authoriseChatWithCallback({ source: { url: source, method: "GET" } });
// @ts-expect-error identity is missing
authoriseChatWithCallback({ source, cache: "session" });
// @ts-expect-error a code is no answer of the implicit flow
authoriseChatWithCallback({ source: () => ({ ssoKey: "code", redirect_uri: "https://liveperson.net" }) });
authoriseChatWithCallback({
  // @ts-expect-error a LiveChat token is no JWT
  source: () => ({ access_token: "a", entity_id: "e", expires_in: 1, token_type: "Bearer" }),
});

// Code flow: a code for each call.
const codes: CodeSource[] = [
  "/live-assist/code",
  new URL("https://example.com/live-assist/code"),
  { url: "/live-assist/code", body: "{}" },
  () => "code",
  async ({ codeChallenge }) => ({ ssoKey: `bound to ${codeChallenge}`, redirect_uri: "https://liveperson.net" }),
  () => null,
];
for (const source of codes) authoriseChatWithCallback({ flow: "code", source });
authoriseChatWithCallback({ flow: "code", source: "/live-assist/code", cache: "none", identity });
// @ts-expect-error a code is never cached
authoriseChatWithCallback({ flow: "code", source: "/live-assist/code", cache: "memory" });
// @ts-expect-error a code is never cached
authoriseChatWithCallback({ flow: "code", source: "/live-assist/code", cache: "session", identity });
// @ts-expect-error a new code is asked for by POST
authoriseChatWithCallback({ flow: "code", source: { url: "/live-assist/code", method: "GET" } });
// @ts-expect-error a JWT is no answer of the code flow
authoriseChatWithCallback({ flow: "code", source: () => ({ token: "header.claims.signature" }) });
// @ts-expect-error a code's address is missing
authoriseChatWithCallback({ flow: "code", source: () => ({ ssoKey: "code" }) });
// @ts-expect-error no such flow
authoriseChatWithCallback({ flow: "hybrid", source });
// @ts-expect-error nobody signed in is null
undefined satisfies CodeAnswer;

// Asking the person to sign in, and the failure's form.
authoriseChatWithCallback({ source, signIn: ({ signal }) => !signal.aborted, signInTimeout: 60_000 });
authoriseChatWithCallback({ source, signIn: async () => true });
for (const failureForm of ["null", "empty_string", "empty_object"] satisfies FailureForm[])
  authoriseChatWithCallback({ source, failureForm });
// @ts-expect-error signIn says whether somebody is signed in
authoriseChatWithCallback({ source, signIn: () => {} });
// @ts-expect-error durations are numbers
authoriseChatWithCallback({ source, signInTimeout: "5 min" });
// @ts-expect-error no such form
authoriseChatWithCallback({ source, failureForm: null });

// Options of the other widgets.
// @ts-expect-error a licence is LiveChat's
authoriseChatWithCallback({ source, licenseId: 12345678 });
// @ts-expect-error starting a chat is Omnichannel's
authoriseChatWithCallback({ source, startChat: true });
// @ts-expect-error the proof key comes with the call
authoriseChatWithCallback({ flow: "code", source, codeChallenge: "challenge" });
// @ts-expect-error LiveChat's grants are not Live Assist's
authoriseChatWithCallback({ source: { grant: "cookie", clientId: "client" } });
// @ts-expect-error options are missing: Live Assist has no defaults
authoriseChatWithCallback();

// Everything at once.
const everything: LiveAssistOptions = {
  source,
  flow: "implicit",
  identity,
  cache: "session",
  organizationId: "o",
  signIn: () => true,
  signInTimeout: 60_000,
  failureForm: "empty_string",
  margin: 1_000,
  refreshAhead: 60_000,
  tabs: "share",
  timeout: 5_000,
  patience: 7_000,
  onEvent: (event) => console.log(event.type),
};

// What comes of it: assignable to whatever name is configured.
const authorise: AuthoriseChatWithCallback = authoriseChatWithCallback(everything);
interface Page {
  authoriseChatWithCallback?: AuthoriseChatWithCallback;
  lpGetAuthenticationToken?: AuthoriseChatWithCallback;
}
({ authoriseChatWithCallback: authorise, lpGetAuthenticationToken: authorise }) satisfies Page;
authorise((token, reason) => {
  const given: string | AuthorizationCode | null | Record<string, never> = token;
  const why: string | undefined = reason;
  // @ts-expect-error it may be a code with its address, or nothing
  const certain: string = token;
  void [given, why, certain];
});
authorise(() => {}, "challenge");
// @ts-expect-error a proof key is text
authorise(() => {}, { code_challenge: "challenge" });
// @ts-expect-error a callback, not its answer
authorise("token");
// @ts-expect-error nothing comes back but by the callback
const answered: string = authorise(() => {});
void answered;

// LivePerson's tag: the same options, and a function to be pushed.
const identify: LivePersonIdentity = livePersonIdentity(everything);
const tag: { identities: ((callback: (visitor: { iss: string; acr: string; sub: string }) => void) => void)[] } = {
  identities: [],
};
tag.identities.push(identify);
identify((visitor) => {
  const { iss, acr, sub }: VisitorIdentity = visitor;
  acr satisfies "loa1";
  void [iss, sub];
});
livePersonIdentity({ source, identity, onSignOut: () => {} });
// @ts-expect-error options are missing
livePersonIdentity();
// @ts-expect-error what is called at sign-out is a function
authoriseChatWithCallback({ source, onSignOut: true });
// @ts-expect-error a callback, not its answer
identify("visitor");
