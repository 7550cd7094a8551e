// What a page gets: tokens, errors and events.

import {
  IdentityError,
  custom_identity_provider,
  sign_out,
  type IdentityErrorCode,
  type IdentityEvent,
  type IdentityProvider,
  type MethodName,
  type Token,
  type WidgetName,
} from "custom-identity-provider";

const provider: IdentityProvider = custom_identity_provider();
const { getToken, getFreshToken, hasToken, invalidate } = provider;

export async function methods(): Promise<void> {
  const token: Token = await getToken();
  const fresh: Token = await getFreshToken({ signal: new AbortController().signal });
  const text: string = token.accessToken + fresh.entityId;
  const number: number = token.expiresIn + token.creationDate;
  const bearer: "Bearer" = token.tokenType;
  const licence: number | undefined = token.licenseId;
  const organization: string | undefined = token.organizationId;
  // @ts-expect-error a licence may be unknown: the first signature is the one that answers
  const certain: number = token.licenseId;
  // @ts-expect-error a token is frozen
  token.expiresIn = 1;
  // @ts-expect-error a signal, not a controller
  void getToken({ signal: new AbortController() });
  const has: boolean = await hasToken();
  const nothing: void = await invalidate();
  const left: void = await sign_out();
  void [text, number, bearer, licence, organization, certain, has, nothing, left];
}

export function recognised(error: unknown): string {
  if (!(error instanceof IdentityError)) throw error;
  const code: IdentityErrorCode = error.code;
  const retryable: boolean = error.retryable;
  const status: number | undefined = error.status;
  const retryAfter: number | undefined = error.retryAfter;
  // @ts-expect-error no such code
  if (error.code === "UNKNOWN") return "";
  return `${error.name} ${code} ${retryable} ${status} ${retryAfter} ${error.cause}`;
}

new IdentityError("NETWORK", "unreachable", { cause: new TypeError(), retryable: true, status: 503, retryAfter: 1000 });
// @ts-expect-error no such code
new IdentityError("OOPS", "unreachable");

/** Every code there is: a new one must be added here, and to the README's table. */
export function advice(code: IdentityErrorCode): string {
  switch (code) {
    case "BAD_OPTION":
    case "BAD_IDENTITY":
    case "BAD_ANSWER":
    case "SOURCE_FAILED":
      return "mend the page";
    case "NOT_SIGNED_IN":
    case "SIGNED_OUT":
    case "IDENTITY_CHANGED":
      return "sign in";
    case "REFUSED":
    case "SSO_IDENTITY_EXCEPTION":
    case "SSO_OAUTH_EXCEPTION":
      return "mend the service";
    case "UNAVAILABLE":
    case "NETWORK":
    case "TIMED_OUT":
    case "COOLING_DOWN":
      return "wait";
    case "WASM_BLOCKED":
    case "WASM_MISSING":
    case "WASM_TRAPPED":
      return "mend the site";
    default:
      return code satisfies never;
  }
}

/** Every event there is, with the facts it carries. */
export function told(event: IdentityEvent): string | number | boolean {
  const at: number = event.at;
  const widget: WidgetName = event.widget;
  void [at, widget];
  switch (event.type) {
    case "core_started":
      return event.form;
    case "call":
      return event.method satisfies MethodName;
    case "cache_hit":
    case "cooling_down":
    case "restored":
      return event.remaining;
    case "joined":
      return event.request + event.method;
    case "request_began":
      return event.request + event.reason;
    case "request_retrying":
      return event.request + event.attempt + event.delay + event.code;
    case "request_succeeded":
      return event.cached || event.request + event.duration + event.lifetime;
    case "request_shared":
      return event.request + event.remaining;
    case "request_failed":
      return event.demanded || event.request + event.duration + event.code;
    case "request_aborted":
      return event.request + event.why;
    case "record_rejected":
      return event.why;
    case "storage_failed":
      return event.action;
    case "signed_out":
      return event.origin;
    case "entity_changed":
    case "clock_skew":
      return event.request;
    case "short_lifetime":
      return event.request + event.lifetime;
    case "widget_answered":
      return event.ok || (event.code ?? "");
    case "widget_error":
      return event.errorCode + event.meaning;
    case "sign_in_asked":
    case "invalidated":
    case "may_have_left":
    case "identity_changed":
      return event.type;
    default:
      return event satisfies never;
  }
}

// @ts-expect-error events carry no token
export const secret = (event: IdentityEvent) => event.token;
