// The package's public types: every entry (default, inline, script) has this face.

/** A token as LiveChat's widget and SDK expect it: a frozen plain object that survives a structured clone. */
export interface Token {
  /** Calls LiveChat's APIs on behalf of the customer. */
  readonly accessToken: string;
  /** LiveChat's id of the customer. */
  readonly entityId: string;
  /** Lifetime in milliseconds, counted from `creationDate`. */
  readonly expiresIn: number;
  readonly tokenType: "Bearer";
  /** When the request for this token was sent, in milliseconds since 1970. */
  readonly creationDate: number;
  /** Present when the licence is known. */
  readonly licenseId?: number;
  /** Present when the organization is known. */
  readonly organizationId?: string;
}

/** The accounts endpoint's own shape: snake_case, and seconds. */
export interface RawToken {
  access_token: string;
  entity_id: string;
  /** Lifetime in seconds. */
  expires_in: number;
  token_type: string;
  organization_id?: string;
  license_id?: number;
}

/** A token that a source finished by itself: camelCase, and milliseconds. */
export interface FinishedToken {
  accessToken: string;
  entityId: string;
  /** Lifetime in milliseconds. */
  expiresIn: number;
  tokenType: string;
  /** Milliseconds since 1970. */
  creationDate: number;
  licenseId?: number;
  organizationId?: string;
}

/** Why the source is asked: a first token, a fresh one in place of whatever is cached, or one ahead of expiry. */
export type RequestReason = "get" | "fresh" | "ahead";

/** What a function source is called with. */
export interface SourceRequest {
  /** Aborted at the deadline, at sign-out, at a change of identity, and when nobody waits any longer. */
  readonly signal: AbortSignal;
  /** Who the page said is signed in when the request began; null when nobody. */
  readonly identity: string | null;
  readonly reason: RequestReason;
  /** Live Assist's code flow with a proof key (RFC 7636, S256): the code has to be bound to it. */
  readonly codeChallenge?: string;
}

/**
 * Answers with the endpoint's raw shape or with a finished token. What any HTTP client rejects with is understood: a status, a Retry-After, a timeout
 * and a failing network are found in its error's own fields, its `response` and its `cause`; `retryable` and `retryAfter` (milliseconds) of it count.
 */
export type FunctionSource = (request: SourceRequest) => Promise<RawToken | FinishedToken> | RawToken | FinishedToken;

/** Headers in any form that people have them. */
export type RequestHeaders = Record<string, string | undefined> | Headers | Map<string, string> | [string, string][];

/** The page's own service, asked over HTTP. */
export type UrlSource = {
  url: string | URL;
  /** A function is asked anew for every attempt: for a bearer that expires, or a proof against forged requests. */
  headers?: RequestHeaders | (() => RequestHeaders | Promise<RequestHeaders>);
  /** Default `"same-origin"`. */
  credentials?: "omit" | "same-origin" | "include";
} & (
  | {
      /** Default `"POST"`. */
      method?: "POST";
      /** Sent as it is; none by default. The content type is `application/json` unless `headers` say another. */
      body?: string;
    }
  | { method: "GET"; body?: undefined }
);

/** LiveChat's cookie grant, straight from the browser: an anonymous customer remembered by LiveChat's own cookies. */
export interface CookieGrantSource {
  grant: "cookie";
  clientId: string;
  /** Must be whitelisted at LiveChat. Default: the page's origin and path. */
  redirectUri?: string;
  /** Default `"https://accounts.livechat.com"`. */
  accountsUrl?: string | URL;
}

/** LiveChat's identity_token grant with PKCE: neither third-party cookies nor an agent token in the browser. */
export interface IdentityTokenGrantSource {
  grant: "identity_token";
  clientId: string;
  /** The page's own service, which starts the identity transfer (`POST`, `{"code_challenge": …}`). */
  transferUrl: string | URL;
  /** Default `"https://accounts.livechat.com"`. */
  accountsUrl?: string | URL;
}

export type Source = FunctionSource | string | URL | UrlSource | CookieGrantSource | IdentityTokenGrantSource;

/**
 * Says who is signed in at this moment, by the page's own user id; null (or undefined) when nobody. Must answer at once. It may answer null
 * while the page does not know yet: who waits then is served for the person as soon as one is named, and a stored token of theirs is kept
 * for 10 s.
 */
export type Identity = () => string | number | null | undefined;

/** What every widget's options have in common. All durations are in milliseconds. */
export interface SharedOptions<Source> {
  /** Where tokens come from. */
  source: Source;
  /** How long before its end a token counts as expired. Default: 30 s or a tenth of the lifetime, whichever is less. */
  margin?: number;
  /** Refresh in the background when a token is asked for this long before it expires. Default 0: off. */
  refreshAhead?: number;
  /** Deadline of one attempt. Default 10,000. */
  timeout?: number;
  /** How long a request is tried again before it gives up. Default 30,000. */
  patience?: number;
  /** Told everything that happens, but never a token or an identity. What it throws goes to the console and hurts nobody else. */
  onEvent?: (event: IdentityEvent) => void;
}

/**
 * Which customer account of LiveChat the token is for. At least one; by default what `window.__lc` says as `license` and
 * `organizationId`, as LiveChat's snippet and packages have it.
 */
export interface LiveChatAccount {
  /** Its digits as text will do, too. */
  licenseId?: number | string;
  organizationId?: string;
}

export interface LiveChatGuests {
  /**
   * What a person gets who is not signed in (`identity` answers null): a source of its own, for instance `{ grant: "cookie", clientId }`, which
   * is LiveChat's anonymous customer, or `"/livechat/guest"`. Without it `source` is asked for them, too; where that refuses them, LiveChat's
   * widget waits for ever, for it never hears a rejection.
   */
  guests?: Source;
}

export type LiveChatOptions = SharedOptions<Source> &
  LiveChatAccount &
  LiveChatGuests &
  (
    | {
        /** Default `"session"`: sessionStorage, so that a reload costs no request. */
        cache?: "session";
        /** Required with a cache that outlives the page; null when nobody can ever be signed in. */
        identity: Identity | null;
      }
    | {
        /** `"memory"`: until the page is left. `"none"`: every `getToken` asks the source. */
        cache: "memory" | "none";
        identity?: Identity | null;
      }
  );

export interface CallOptions {
  /** Ends this caller's wait only; the request itself is aborted when its last waiter leaves. */
  signal?: AbortSignal;
}

/**
 * The token as `@livechat/widget-core` types it: always with a licence, which it never reads. The second signature of `getToken` and
 * `getFreshToken` makes a provider fit that package's types; whoever calls them gets `Token`, the honest type.
 */
export type WidgetToken = Token & { readonly licenseId: number };

/** What LiveChat's widget calls. Every method works detached from the object. */
export interface IdentityProvider {
  /** The cached token if it is usable, else a fresh one; equal calls share one request. */
  getToken(options?: CallOptions): Promise<Token>;
  getToken(options?: CallOptions): Promise<WidgetToken>;
  /** A fresh token whatever is cached; joins a request that is already running. */
  getFreshToken(options?: CallOptions): Promise<Token>;
  getFreshToken(options?: CallOptions): Promise<WidgetToken>;
  /** True exactly when a usable token is in hand. */
  hasToken(): Promise<boolean>;
  /** Forgets the token; one that is still on its way never enters the cache. */
  invalidate(): Promise<void>;
}

/** Options beside those that `configure` was given, the source among them. */
export type LiveChatOverrides = Partial<LiveChatOptions> & { source?: undefined };

/** LiveChat's Custom Identity Provider. Throws an IdentityError BAD_OPTION at once when an option is wrong. */
export function custom_identity_provider(options: LiveChatOptions): IdentityProvider;
export function custom_identity_provider(options?: LiveChatOverrides): IdentityProvider;

/** What a page that connects a widget is told beside what the widget is told. */
interface SignOutListener {
  /**
   * Called once for each sign-out and each person who leaves, in every tab, after the widget has been seen to: for whatever else has to go.
   * What it throws goes to the console and hurts nobody else.
   */
  onSignOut?: () => void;
}

export type ConnectLiveChatOptions = (LiveChatOptions | LiveChatOverrides) &
  SignOutListener & {
    /** Whether a widget that was taken off the page begins anew for whoever is there now. Default true. */
    restart?: boolean;
  };

/**
 * The whole job for LiveChat: sets `window.__lc.custom_identity_provider`, whether LiveChat's snippet came already or comes later, and takes
 * the running widget off the page when the person in it signs out or changes, in every tab, so that nobody sees another's conversation.
 * While nobody is signed in, LiveChat's own anonymous customer is left in place.
 * @returns undoes it: takes the provider back and watches no longer
 *
 * Document: LiveChat, "Chat Widget JS API".
 */
export function connectLiveChat(options?: ConnectLiveChatOptions): () => void;

/** Sets defaults for every option not given to `custom_identity_provider`; called again, it adds to and replaces them. */
export function configure(options: Partial<LiveChatOptions>): void;

/** The person is leaving: forgets every token of every widget in every tab of the origin; who still waits is rejected with SIGNED_OUT. */
export function sign_out(): Promise<void>;

// Microsoft Omnichannel and Live Assist: a JSON Web Token (RFC 7519), signed with RS256 by the page's own service.

/** A signed JWT, alone or in an object; null when nobody is signed in. Its lifetime is read from its claims `iat` and `exp`. */
export type JwtAnswer = string | { token: string } | null;

/** Where JWTs come from: a function, or the page's own service, which answers with text/plain or with `{"token": …}`. */
export type JwtSource = ((request: SourceRequest) => Promise<JwtAnswer> | JwtAnswer) | string | URL | UrlSource;

/** How long JWTs are kept, and whose they are. */
export type JwtCache =
  | {
      /** `"memory"` (default): until the page is left. `"none"`: every call asks the source. */
      cache?: "memory" | "none";
      /** Says who is signed in. Answers it null, the source is not asked: nobody can be authenticated. */
      identity?: Identity | null;
    }
  | {
      /** sessionStorage, so that a reload costs no request. */
      cache: "session";
      /** Required with a cache that outlives the page; a constant null when the page does not know. */
      identity: Identity | null;
    };

export type OmnichannelOptions = SharedOptions<JwtSource> &
  JwtCache & {
    /** Keeps the tokens of several organizations on one page apart; of no other use. */
    organizationId?: string;
  };

/** What `setAuthTokenProvider` takes: calls back once, within 8 s of Omnichannel's 10, with a JWT, or null when there is none. */
export type AuthTokenProvider = (callback: (token: string | null) => void) => void;

/**
 * The function for Omnichannel's `setAuthTokenProvider`. Throws an IdentityError BAD_OPTION at once when an option is wrong; the
 * function itself throws a TypeError where it is given no callback.
 *
 * Document: Microsoft, "Send authentication token".
 */
export function authTokenProvider(options: OmnichannelOptions): AuthTokenProvider;

export type ConnectOptions = OmnichannelOptions &
  SignOutListener & {
    /** Start a chat as soon as the provider is registered, once for each person: true, or the options of Omnichannel's `startChat`. Default false. */
    startChat?: boolean | object;
  };

/**
 * Registers the provider when the live chat SDK is there: at once, or at the window's event `lcw:ready`. Tells `onEvent` what
 * `lcw:error` reports of authentication; a token that Omnichannel calls invalid is forgotten. When the person signs out or changes, in
 * every tab, their chat is closed.
 * @returns undoes it: takes the provider back and listens no longer
 */
export function connectOmnichannel(options: ConnectOptions): () => void;

/** What Microsoft's npm packages take as `getAuthToken`; both arguments are theirs and change nothing. */
export type GetAuthToken = (name?: string, context?: object) => Promise<string | null>;

/**
 * `getAuthToken` for `@microsoft/omnichannel-chat-sdk` and `@microsoft/omnichannel-chat-widget`: a JWT, or null when nobody is signed in, which
 * those with mid-conversation authentication take for "go on unauthenticated". Any other failure is a rejection, within 8 s.
 */
export function getAuthToken(options: OmnichannelOptions): GetAuthToken;

/** A code for one redemption, with the address that it is bound to. */
export interface AuthorizationCode {
  ssoKey: string;
  redirect_uri: string;
}

/** An authorization code, handed on as it is; null when nobody is signed in. */
export type CodeAnswer = string | AuthorizationCode | null;

/** Where authorization codes come from: a function, or the page's own service, asked by POST; a proof key goes in as `code_challenge`. */
export type CodeSource =
  ((request: SourceRequest) => Promise<CodeAnswer> | CodeAnswer) | string | URL | (UrlSource & { method?: "POST" });

/** What is said to Live Assist where there is no token. */
export type FailureForm =
  /** `callback(null, reason)`, Live Assist's own. */
  | "null"
  /** `callback("", reason)`, LivePerson's. */
  | "empty_string"
  /** `callback({}, reason)`, LivePerson's. */
  | "empty_object";

interface LiveAssistShared extends SignOutListener {
  /** Keeps the tokens of several accounts on one page apart; of no other use. */
  organizationId?: string;
  /**
   * Asks the person to sign in, when nobody is; answers whether somebody is now. It is asked once for all calls that wait; without
   * it, or when it answers false, Live Assist is told the failure.
   */
  signIn?: (request: { readonly signal: AbortSignal }) => Promise<boolean> | boolean;
  /** How long `signIn` may take. Default 300,000. */
  signInTimeout?: number;
  /** Default `"null"`. */
  failureForm?: FailureForm;
}

export type LiveAssistOptions = LiveAssistShared &
  (
    | (SharedOptions<JwtSource> &
        JwtCache & {
          /** Default: Live Assist gets the JWT itself. */
          flow?: "implicit";
        })
    | (SharedOptions<CodeSource> & {
        /** Live Assist gets a code, which its service redeems: a new one for every call, never cached. */
        flow: "code";
        cache?: "none";
        identity?: Identity | null;
      })
  );

/** What Live Assist and LivePerson call: calls back once, within 8 s and the time that `signIn` takes. The reason is for a person. */
export type AuthoriseChatWithCallback = (
  callback: (token: string | AuthorizationCode | null | Record<string, never>, reason?: string) => void,
  codeChallenge?: string,
) => void;

/**
 * The function that Live Assist or LivePerson calls by name; assign it to the name that is configured there. Throws an IdentityError
 * BAD_OPTION at once when an option is wrong; the function itself throws a TypeError where it is given no callback.
 *
 * Documents: Live Assist, "Authenticated Chats" and "Sign-on flows".
 */
export function authoriseChatWithCallback(options: LiveAssistOptions): AuthoriseChatWithCallback;

/** Who the visitor is, as LivePerson's monitoring wants it. */
export interface VisitorIdentity {
  iss: string;
  acr: "loa1";
  sub: string;
}

/** What `lpTag.identities` takes: calls back once with who is signed in, and not at all when nobody is. */
export type LivePersonIdentity = (callback: (identity: VisitorIdentity) => void) => void;

/**
 * The function for `lpTag.identities.push(…)`: the claims `iss` and `sub` of the JWT that `authoriseChatWithCallback` gives, with the
 * same options one request for both. Throws an IdentityError BAD_OPTION at once when an option is wrong; the function itself throws a TypeError
 * where it is given no callback.
 *
 * Document: LivePerson, "Authenticate in Web and Mobile Messaging".
 */
export function livePersonIdentity(options: LiveAssistOptions): LivePersonIdentity;

export type IdentityErrorCode =
  /** An option is missing, unknown or of a wrong type. Thrown; rejected where only a request shows it, as with a header that HTTP forbids. */
  | "BAD_OPTION"
  /** `identity` threw or answered with something that is no user id. */
  | "BAD_IDENTITY"
  /** The source answered with something that is no token; the message names the field. */
  | "BAD_ANSWER"
  /** The service answered 401, or with a page where people sign in, or the page says so: it knows nobody who is signed in. */
  | "NOT_SIGNED_IN"
  /** The service answered 403, 404 or another 4xx. */
  | "REFUSED"
  /** The service answered 408, 429 or 5xx, also when asked again. */
  | "UNAVAILABLE"
  /** The service could not be reached, also when asked again. */
  | "NETWORK"
  /** No answer within the deadline, also when asked again. */
  | "TIMED_OUT"
  /** The function given as `source` failed; `cause` is what it failed with. A programming error is not tried again, and told to the console. */
  | "SOURCE_FAILED"
  /** Asked too soon after a failure; `cause` is that failure, `retryAfter` says when to come back. */
  | "COOLING_DOWN"
  /** `sign_out` was called while this call waited. */
  | "SIGNED_OUT"
  /** Another person signed in while this call waited. */
  | "IDENTITY_CHANGED"
  /** LiveChat's `identity_exception`; the message is the exception's name. */
  | "SSO_IDENTITY_EXCEPTION"
  /** LiveChat's `oauth_exception`; the message is the exception's name. */
  | "SSO_OAUTH_EXCEPTION"
  /**
   * The page cannot run WebAssembly, and the core's other form, `core_javascript.js`, could not be loaded; `cause` says why. From the inline entry, which
   * has no other form: the page's Content-Security-Policy forbids WebAssembly; the message names the directive to add.
   */
  | "WASM_BLOCKED"
  /** The core, `core.js`, could not be loaded; `cause` says why. It was tried again; a later call tries anew. */
  | "WASM_MISSING"
  /** The core crashed; reload the page. */
  | "WASM_TRAPPED";

export class IdentityError extends Error {
  constructor(
    code: IdentityErrorCode,
    message: string,
    details?: {
      cause?: unknown;
      retryable?: boolean;
      status?: number;
      retryAfter?: number;
    },
  );
  readonly name: "IdentityError";
  readonly code: IdentityErrorCode;
  readonly cause?: unknown;
  /** Whether the same call may succeed later without anybody mending anything. */
  readonly retryable: boolean;
  /** The HTTP status, when there was one. */
  readonly status?: number;
  /** Milliseconds to wait before the next try, when known. */
  readonly retryAfter?: number;
}

export type MethodName = "getToken" | "getFreshToken" | "hasToken" | "invalidate";

export type WidgetName = "livechat" | "omnichannel" | "live_assist";

interface EventBase {
  readonly widget: WidgetName;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** Everything `onEvent` can be told; `request` numbers the runs of the source within one page. */
// prettier-ignore
export type IdentityEvent = EventBase & (
  /** The core, for which this widget waited, runs: as WebAssembly, or as JavaScript where the page cannot run that. */
  | { readonly type: "core_started"; readonly form: "webassembly" | "javascript" }
  /** A method was called. */
  | { readonly type: "call"; readonly method: MethodName }
  /** `getToken` was answered from the cache; `remaining` ms until the token counts as expired. */
  | { readonly type: "cache_hit"; readonly remaining: number }
  /** A call joined a request that was already running. */
  | { readonly type: "joined"; readonly request: number; readonly method: MethodName }
  | { readonly type: "request_began"; readonly request: number; readonly reason: RequestReason }
  /**
   * An attempt failed and the source will be asked again after `delay` ms. With the code IDENTITY_CHANGED nothing failed: somebody signed in
   * where nobody was, and the source is asked for them.
   */
  | { readonly type: "request_retrying"; readonly request: number; readonly attempt: number; readonly code: IdentityErrorCode; readonly delay: number }
  /** The token arrived; `cached` says whether it entered the cache, `lifetime` is how long it lives in ms, 0 for a code. */
  | { readonly type: "request_succeeded"; readonly request: number; readonly duration: number; readonly lifetime: number; readonly cached: boolean }
  | { readonly type: "request_failed"; readonly request: number; readonly duration: number; readonly code: IdentityErrorCode; readonly demanded: boolean }
  | { readonly type: "request_aborted"; readonly request: number; readonly why: "signed_out" | "identity_changed" | "invalidated" | "abandoned" }
  /** A call was refused because of an earlier failure; `remaining` ms until the next one may try. */
  | { readonly type: "cooling_down"; readonly remaining: number }
  /** A usable token was found in storage. */
  | { readonly type: "restored"; readonly remaining: number }
  /** A stored record was not used, and removed. */
  | { readonly type: "record_rejected"; readonly why: "corrupt" | "version" | "scope" | "signed_out" | "future" | "expired" }
  /** Storage is blocked, full or missing; tokens live in memory. */
  | { readonly type: "storage_failed"; readonly action: "read" | "write" | "remove" }
  | { readonly type: "invalidated" }
  /**
   * Somebody may have left without a word: the mark of the latest sign-out vanished (the site cleared its storage), or the page slept and no
   * mark can be kept. What was in hand is forgotten; nobody who waits is rejected.
   */
  | { readonly type: "may_have_left" }
  | { readonly type: "signed_out"; readonly origin: "this_tab" | "other_tab" }
  | { readonly type: "identity_changed" }
  /** The same person got another entityId, or a JWT with another `sub`: the widget has to start over. */
  | { readonly type: "entity_changed"; readonly request: number }
  /** A finished token lives under 100 s: most likely its expiresIn is in seconds. */
  | { readonly type: "short_lifetime"; readonly request: number; readonly lifetime: number }
  /** The token's creationDate, or `iat`, disagrees with this machine's clock; its lifetime is counted from when it was asked for. */
  | { readonly type: "clock_skew"; readonly request: number }
  /** A callback was answered, or `getAuthToken` settled; `code` says why there was no token. */
  | { readonly type: "widget_answered"; readonly ok: boolean; readonly code?: IdentityErrorCode }
  /** Nobody is signed in, and the page's `signIn` is asked. */
  | { readonly type: "sign_in_asked" }
  /** Omnichannel's `lcw:error` about authentication: 2 the provider failed, 3 there was no token, 4 the token is invalid. */
  | { readonly type: "widget_error"; readonly errorCode: 2 | 3 | 4; readonly meaning: string }
);
