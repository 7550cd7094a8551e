// The package's public types: every entry (default, inline, script) has these functions.

/** A token as LiveChat's widget and SDK expect it: a frozen plain object, which can be cloned with `structuredClone`. */
export interface Token {
  /** What LiveChat's APIs accept on behalf of the customer. */
  readonly accessToken: string;
  /** LiveChat's id of the customer. */
  readonly entityId: string;
  /** Lifetime in milliseconds, counted from `creationDate`. */
  readonly expiresIn: number;
  readonly tokenType: "Bearer";
  /** When the request for this token was sent, in milliseconds since 1970. */
  readonly creationDate: number;
  /** Present if the licence is known. */
  readonly licenseId?: number;
  /** Present if the organization is known. */
  readonly organizationId?: string;
}

/** A token in the form in which LiveChat's accounts endpoint answers: snake_case, and seconds. */
export interface RawToken {
  access_token: string;
  entity_id: string;
  /** Lifetime in seconds. */
  expires_in: number;
  token_type: string;
  organization_id?: string;
  license_id?: number;
}

/** A finished token, which a source made by itself: camelCase, and milliseconds. */
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

/** Why the source is asked: for a token, for a fresh one whatever is cached, or for one before the cached one expires. */
export type RequestReason = "get" | "fresh" | "ahead";

/** What a function given as `source` is called with. */
export interface SourceRequest {
  /** Aborted at the deadline, at sign-out, when another person signs in, and when nobody waits any longer. */
  readonly signal: AbortSignal;
  /** Your id of the person who was signed in when the request began; null if nobody was. */
  readonly identity: string | null;
  readonly reason: RequestReason;
  /** Live Assist's code flow with a proof key (RFC 7636, S256): the code must be bound to this challenge. */
  readonly codeChallenge?: string;
}

/**
 * Answers with a token in the endpoint's own form or with a finished one. You may use any HTTP client and need not catch what it throws: a status, a
 * Retry-After, a timeout and a lost connection are found in the error's own fields, in its `response` and its `cause`. Errors of your own may have
 * `retryable` and `retryAfter` (milliseconds).
 */
export type FunctionSource = (request: SourceRequest) => Promise<RawToken | FinishedToken> | RawToken | FinishedToken;

/** Headers in any of the usual forms. */
export type RequestHeaders = Record<string, string | undefined> | Headers | Map<string, string> | [string, string][];

/** Your own service, asked over HTTP. */
export type UrlSource = {
  url: string | URL;
  /** A function is called again for every attempt: use one for a bearer token that expires, or for a CSRF token. */
  headers?: RequestHeaders | (() => RequestHeaders | Promise<RequestHeaders>);
  /** Default `"same-origin"`. */
  credentials?: "omit" | "same-origin" | "include";
} & (
  | {
      /** Default `"POST"`. */
      method?: "POST";
      /** Sent as it is; none by default. The content type is `application/json` unless `headers` name another. */
      body?: string;
    }
  | { method: "GET"; body?: undefined }
);

/** LiveChat's cookie grant, straight from the browser: an anonymous customer, whom LiveChat remembers by its own cookies. */
export interface CookieGrantSource {
  grant: "cookie";
  clientId: string;
  /** Must be whitelisted at LiveChat. Default: the page's origin and path. */
  redirectUri?: string;
  /** Default `"https://accounts.livechat.com"`. */
  accountsUrl?: string | URL;
}

/** LiveChat's identity_token grant with PKCE: it needs neither third-party cookies nor an agent token in the browser. */
export interface IdentityTokenGrantSource {
  grant: "identity_token";
  clientId: string;
  /** Your own service, which starts the identity transfer (`POST`, `{"code_challenge": …}`). */
  transferUrl: string | URL;
  /** Default `"https://accounts.livechat.com"`. */
  accountsUrl?: string | URL;
}

export type Source = FunctionSource | string | URL | UrlSource | CookieGrantSource | IdentityTokenGrantSource;

/**
 * Returns your own id of the person who is signed in at this moment, or null (or undefined) if nobody is. It must return at once, not a promise. While your page
 * does not know yet, return null: a call that waits is answered for the person as soon as you name one, and a stored token of theirs is kept
 * for 10 s.
 */
export type Identity = () => string | number | null | undefined;

/** What every widget's options have in common. All durations are in milliseconds. */
export interface SharedOptions<Source> {
  /** Where tokens come from. */
  source: Source;
  /** How long before its end a token counts as expired. Default: 30 s or a tenth of the lifetime, whichever is less. */
  margin?: number;
  /** A token that is asked for this long before it expires is refreshed in the background. Default 0: off. */
  refreshAhead?: number;
  /**
   * Tabs of one origin make one request together, for each person, and hand the token on: for that, `identity` is required. The first
   * call of a tab waits up to half a second for another tab's token. A code is never shared, nor is anything with `cache: "none"`.
   * Default: each tab for itself.
   */
  tabs?: "share";
  /** How long one attempt may take. Default 10,000. */
  timeout?: number;
  /** How long a failing request is tried again before the package gives up. Default 30,000. */
  patience?: number;
  /** Called with everything that happens, but never with a token or an identity. What it throws goes to the console and does no other harm. */
  onEvent?: (event: IdentityEvent) => void;
}

/**
 * Your account at LiveChat, by licence or organization: at least one of them. By default they are read from `window.__lc` (`license` and
 * `organizationId`), where LiveChat's snippet and packages put them.
 */
export interface LiveChatAccount {
  /** A number, or its digits as text. */
  licenseId?: number | string;
  organizationId?: string;
}

export interface LiveChatGuests {
  /**
   * Where a guest's token comes from, when nobody is signed in (`identity` returns null): for instance `{ grant: "cookie", clientId }`, which
   * is LiveChat's anonymous customer, or `"/livechat/guest"`. Without it, `source` is asked for guests, too. If that refuses them, LiveChat's
   * widget waits forever, because it never hears of a rejection.
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
        /** Required with a cache that outlives the page. Give null if nobody can ever sign in. */
        identity: Identity | null;
      }
    | {
        /** `"memory"`: until the page is left. `"none"`: every `getToken` asks the source. */
        cache: "memory" | "none";
        identity?: Identity | null;
      }
  );

export interface CallOptions {
  /** Ends only this caller's wait. The request itself is aborted when its last waiter leaves. */
  signal?: AbortSignal;
}

/**
 * The token as `@livechat/widget-core` types it: always with a licence, which it never reads. The second signature of `getToken` and
 * `getFreshToken` makes a provider fit that package's types. If you call them yourself, you get `Token`, the true type.
 */
export type WidgetToken = Token & { readonly licenseId: number };

/** What LiveChat's widget calls. The methods do not depend on `this`. */
export interface IdentityProvider {
  /** The cached token if it is usable, otherwise a fresh one. Equal calls share one request. */
  getToken(options?: CallOptions): Promise<Token>;
  getToken(options?: CallOptions): Promise<WidgetToken>;
  /** A fresh token, whatever is cached. It joins a request that is already running. */
  getFreshToken(options?: CallOptions): Promise<Token>;
  getFreshToken(options?: CallOptions): Promise<WidgetToken>;
  /** True exactly when there is a usable token in the cache. */
  hasToken(): Promise<boolean>;
  /** Forgets the token. A token that is still on its way never enters the cache. */
  invalidate(): Promise<void>;
}

/** Options in addition to those that you gave to `configure`, which include the source. */
export type LiveChatOverrides = Partial<LiveChatOptions> & { source?: undefined };

/** LiveChat's Custom Identity Provider. If an option is wrong, it throws an IdentityError BAD_OPTION at once. */
export function custom_identity_provider(options: LiveChatOptions): IdentityProvider;
export function custom_identity_provider(options?: LiveChatOverrides): IdentityProvider;

/** How your page learns that somebody has left. */
interface SignOutListener {
  /**
   * Called once for each sign-out and each person who leaves, in every tab, after the widget was removed: use it for whatever else has to go.
   * What it throws goes to the console and does no other harm.
   */
  onSignOut?: () => void;
}

export type ConnectLiveChatOptions = (LiveChatOptions | LiveChatOverrides) &
  SignOutListener & {
    /** Whether a widget that was removed restarts for whoever is there now. Default true. */
    restart?: boolean;
  };

/**
 * Does the whole job for LiveChat. It sets `window.__lc.custom_identity_provider`, whether LiveChat's snippet has come already or comes later. When the person
 * signs out, or another person signs in, it removes the running widget in every tab, so that nobody sees another person's conversation.
 * While nobody is signed in, it leaves LiveChat's own anonymous customer in place.
 * @returns a function that undoes it: it takes the provider back and stops watching
 *
 * Document: LiveChat, "Chat Widget JS API".
 */
export function connectLiveChat(options?: ConnectLiveChatOptions): () => void;

/** Sets defaults for the options that you do not give to `custom_identity_provider`. Called again, it adds to them and replaces them. */
export function configure(options: Partial<LiveChatOptions>): void;

/** Sign-out (logout): forgets every token of every widget, in every tab of your site. Calls that still wait are rejected with SIGNED_OUT. */
export function sign_out(): Promise<void>;

// Microsoft Omnichannel and Live Assist: a JSON Web Token (RFC 7519), signed with RS256 by your own service.

/** A signed JWT, alone or in an object; null if nobody is signed in. Its lifetime is read from its claims `iat` and `exp`. */
export type JwtAnswer = string | { token: string } | null;

/** Where JWTs come from: a function, or your own service, which answers with text/plain or with `{"token": …}`. */
export type JwtSource = ((request: SourceRequest) => Promise<JwtAnswer> | JwtAnswer) | string | URL | UrlSource;

/** How long JWTs are kept, and who they belong to. */
export type JwtCache =
  | {
      /** `"memory"` (default): until the page is left. `"none"`: every call asks the source. */
      cache?: "memory" | "none";
      /** Returns who is signed in. If it returns null, the source is not asked, because nobody can be authenticated. */
      identity?: Identity | null;
    }
  | {
      /** sessionStorage, so that a reload costs no request. */
      cache: "session";
      /** Required with a cache that outlives the page. Give a constant null if your page does not know. */
      identity: Identity | null;
    };

export type OmnichannelOptions = SharedOptions<JwtSource> &
  JwtCache & {
    /** Only keeps the tokens of several organizations on one page apart. */
    organizationId?: string;
  };

/** What `setAuthTokenProvider` takes. It calls back once, within 8 of Omnichannel's 10 s, with a JWT, or with null if there is none. */
export type AuthTokenProvider = (callback: (token: string | null) => void) => void;

/**
 * The function for Omnichannel's `setAuthTokenProvider`. If an option is wrong, this throws an IdentityError BAD_OPTION at once. The
 * function itself throws a TypeError if it gets no callback.
 *
 * Document: Microsoft, "Send authentication token".
 */
export function authTokenProvider(options: OmnichannelOptions): AuthTokenProvider;

export type ConnectOptions = OmnichannelOptions &
  SignOutListener & {
    /** Starts a chat as soon as the provider is registered, once for each person: true, or the options of Omnichannel's `startChat`. Default false. */
    startChat?: boolean | object;
  };

/**
 * Registers the provider when the live chat SDK is there: at once, or at the window's event `lcw:ready`. It passes on to `onEvent` what
 * `lcw:error` says of authentication, and forgets a token that Omnichannel calls invalid. When the person signs out, or another person signs in, it closes
 * their chat, in every tab.
 * @returns a function that undoes it: it takes the provider back and stops listening
 */
export function connectOmnichannel(options: ConnectOptions): () => void;

/** What Microsoft's npm packages take as `getAuthToken`. They pass two arguments, which change nothing here. */
export type GetAuthToken = (name?: string, context?: object) => Promise<string | null>;

/**
 * `getAuthToken` for `@microsoft/omnichannel-chat-sdk` and `@microsoft/omnichannel-chat-widget`. It resolves with a JWT, or with null if nobody is signed in:
 * versions with mid-conversation authentication then go on unauthenticated. Any other failure is a rejection, within 8 s.
 */
export function getAuthToken(options: OmnichannelOptions): GetAuthToken;

/** A code that can be redeemed once, with the address that it is bound to. */
export interface AuthorizationCode {
  ssoKey: string;
  redirect_uri: string;
}

/** An authorization code, passed on as it is; null if nobody is signed in. */
export type CodeAnswer = string | AuthorizationCode | null;

/** Where authorization codes come from: a function, or your own service, asked by POST. A proof key goes into the body as `code_challenge`. */
export type CodeSource =
  ((request: SourceRequest) => Promise<CodeAnswer> | CodeAnswer) | string | URL | (UrlSource & { method?: "POST" });

/** What Live Assist's callback gets if there is no token. */
export type FailureForm =
  /** `callback(null, reason)`, Live Assist's own. */
  | "null"
  /** `callback("", reason)`, LivePerson's. */
  | "empty_string"
  /** `callback({}, reason)`, LivePerson's. */
  | "empty_object";

interface LiveAssistShared extends SignOutListener {
  /** Only keeps the tokens of several accounts on one page apart. */
  organizationId?: string;
  /**
   * Asks the person to sign in, if nobody is signed in, and says whether somebody is now. It is called once for all calls that wait. Without
   * it, or if it says false, Live Assist is told that there is no token.
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
        /** Live Assist gets a code, which its service redeems. Every call gets a new code; none is cached. */
        flow: "code";
        cache?: "none";
        identity?: Identity | null;
      })
  );

/** What Live Assist and LivePerson call. It calls back once, within 8 s plus the time that `signIn` takes. The reason is a sentence for the person. */
export type AuthoriseChatWithCallback = (
  callback: (token: string | AuthorizationCode | null | Record<string, never>, reason?: string) => void,
  codeChallenge?: string,
) => void;

/**
 * The function that Live Assist or LivePerson calls by name: assign it to the name that you entered there. If an option is wrong, this throws an IdentityError
 * BAD_OPTION at once. The function itself throws a TypeError if it gets no callback.
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

/** What `lpTag.identities` takes. It calls back once with who is signed in, and not at all if nobody is. */
export type LivePersonIdentity = (callback: (identity: VisitorIdentity) => void) => void;

/**
 * The function for `lpTag.identities.push(…)`. It gives the claims `iss` and `sub` of the JWT that `authoriseChatWithCallback` gives. With the
 * same options, both share one request. If an option is wrong, this throws an IdentityError BAD_OPTION at once. The function itself throws a TypeError
 * if it gets no callback.
 *
 * Document: LivePerson, "Authenticate in Web and Mobile Messaging".
 */
export function livePersonIdentity(options: LiveAssistOptions): LivePersonIdentity;

export type IdentityErrorCode =
  /** An option is missing, unknown or of a wrong type. It is thrown at once; a few show only at a request and reject it, such as a header that HTTP forbids. */
  | "BAD_OPTION"
  /** `identity` threw, or returned something that is not a user id. */
  | "BAD_IDENTITY"
  /** The source answered with something that is not a token. The message names the field. */
  | "BAD_ANSWER"
  /** Nobody is signed in: your service answered 401 or with a sign-in page, or your page says so. */
  | "NOT_SIGNED_IN"
  /** Your service answered 403, 404 or another 4xx. */
  | "REFUSED"
  /** Your service answered 408, 429 or 5xx, even when asked again. */
  | "UNAVAILABLE"
  /** Your service could not be reached, even when asked again. */
  | "NETWORK"
  /** There was no answer in time, even when asked again. */
  | "TIMED_OUT"
  /** Your function given as `source` failed; `cause` is what it threw. A programming error is not tried again, and is said in the console. */
  | "SOURCE_FAILED"
  /** Asked too soon after a failure. `cause` is that failure, and `retryAfter` says when to ask again. */
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
  /** Whether the same call may succeed later without anybody changing anything. */
  readonly retryable: boolean;
  /** The HTTP status, if there was one. */
  readonly status?: number;
  /** Milliseconds to wait before the next try, if known. */
  readonly retryAfter?: number;
}

export type MethodName = "getToken" | "getFreshToken" | "hasToken" | "invalidate";

export type WidgetName = "livechat" | "omnichannel" | "live_assist";

interface EventBase {
  readonly widget: WidgetName;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** Everything that `onEvent` can be called with. `request` numbers the requests to the source within one page. */
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
   * An attempt failed, and the source is asked again after `delay` ms. With the code IDENTITY_CHANGED nothing failed: a guest signed in,
   * and the source is asked for them.
   */
  | { readonly type: "request_retrying"; readonly request: number; readonly attempt: number; readonly code: IdentityErrorCode; readonly delay: number }
  /** The token arrived. `cached` says whether it is kept; `lifetime` is how long it lives in ms, 0 for a code. */
  | { readonly type: "request_succeeded"; readonly request: number; readonly duration: number; readonly lifetime: number; readonly cached: boolean }
  /** Another tab's token answers the request; `remaining` is how much of its life is left, in ms. Only with `tabs: "share"`. */
  | { readonly type: "request_shared"; readonly request: number; readonly remaining: number }
  | { readonly type: "request_failed"; readonly request: number; readonly duration: number; readonly code: IdentityErrorCode; readonly demanded: boolean }
  | { readonly type: "request_aborted"; readonly request: number; readonly why: "signed_out" | "identity_changed" | "invalidated" | "abandoned" }
  /** A call was refused because of earlier failures; `remaining` ms until the next one may try. */
  | { readonly type: "cooling_down"; readonly remaining: number }
  /** A usable token was found in storage. */
  | { readonly type: "restored"; readonly remaining: number }
  /** A stored token was not used, and was removed. */
  | { readonly type: "record_rejected"; readonly why: "corrupt" | "version" | "scope" | "signed_out" | "future" | "expired" }
  /** sessionStorage is blocked, full or missing; tokens live in memory. */
  | { readonly type: "storage_failed"; readonly action: "read" | "write" | "remove" }
  | { readonly type: "invalidated" }
  /**
   * Somebody may have signed out without calling `sign_out()`: the mark of the latest sign-out is gone (the site cleared its storage), or the page slept and no
   * mark can be kept. The tokens are forgotten; no call that waits is rejected.
   */
  | { readonly type: "may_have_left" }
  | { readonly type: "signed_out"; readonly origin: "this_tab" | "other_tab" }
  | { readonly type: "identity_changed" }
  /** The same person got another entityId, or a JWT with another `sub`. The widget has to start over. */
  | { readonly type: "entity_changed"; readonly request: number }
  /** A finished token lives under 100 s. Most likely its expiresIn is in seconds. */
  | { readonly type: "short_lifetime"; readonly request: number; readonly lifetime: number }
  /** The token's creationDate, or `iat`, disagrees with this computer's clock. Its lifetime is counted from when it was asked for. */
  | { readonly type: "clock_skew"; readonly request: number }
  /** A callback was answered, or `getAuthToken` settled; `code` says why there was no token. */
  | { readonly type: "widget_answered"; readonly ok: boolean; readonly code?: IdentityErrorCode }
  /** Nobody is signed in, and your `signIn` is asked. */
  | { readonly type: "sign_in_asked" }
  /** Omnichannel's `lcw:error` about authentication: 2 the provider failed, 3 there was no token, 4 the token is invalid. */
  | { readonly type: "widget_error"; readonly errorCode: 2 | 3 | 4; readonly meaning: string }
);
