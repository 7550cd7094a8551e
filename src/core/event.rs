//! What `onEvent` is told: everything that happens, and no secret. `pkg/index.d.ts` says what each means.

use super::failure::ErrorCode;

/// The methods of a provider, by their documented names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is documented in the package's types")]
pub enum Method {
    GetToken,
    GetFreshToken,
    HasToken,
    Invalidate,
}

/// Why the source is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A token was asked for and none was usable.
    Get,
    /// A fresh token was asked for.
    Fresh,
    /// Nobody waits: the token in hand will expire soon.
    Ahead,
}

impl Reason {
    /// The name as JavaScript sees it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Fresh => "fresh",
            Self::Ahead => "ahead",
        }
    }
}

/// Why a stored record was not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// It is not JSON, not an object, or a field does not fit a token.
    Corrupt,
    /// Written by another version of this library.
    Version,
    /// Another person's, widget's or licence's.
    Scope,
    /// Written before the latest sign-out, here or in another tab.
    SignedOut,
    /// Created in the future.
    Future,
    /// Its life is over.
    Expired,
}

/// Why a request was aborted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AbortReason {
    /// The person signed out.
    SignedOut,
    /// Another person signed in.
    IdentityChanged,
    /// Nobody waited for it when the token was invalidated.
    Invalidated,
    /// Its last waiter left.
    Abandoned,
}

/// Where `sign_out` was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignOutOrigin {
    /// In this tab.
    ThisTab,
    /// In another tab of the origin.
    OtherTab,
}

/// One thing that happened. Durations in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is documented in the package's types")]
pub enum Event {
    Call { method: Method },
    CacheHit { remaining: i64 },
    Joined { request: u32, method: Method },
    RequestBegan { request: u32, reason: Reason },
    RequestRetrying { request: u32, attempt: u32, code: ErrorCode, delay: i64 },
    RequestSucceeded { request: u32, duration: i64, lifetime: i64, cached: bool },
    RequestShared { request: u32, remaining: i64 },
    RequestFailed { request: u32, duration: i64, code: ErrorCode, demanded: bool },
    RequestAborted { request: u32, why: AbortReason },
    CoolingDown { remaining: i64 },
    Restored { remaining: i64 },
    RecordRejected { why: Rejection },
    StorageFailed { action: StorageAction },
    Invalidated,
    MayHaveLeft,
    SignedOut { origin: SignOutOrigin },
    IdentityChanged,
    EntityChanged { request: u32 },
    ShortLifetime { request: u32, lifetime: i64 },
    ClockSkew { request: u32 },
}

/// What storage failed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum StorageAction {
    Read,
    Write,
    Remove,
}

/// One detail of an event, as JavaScript sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// A number: milliseconds, or which request.
    Number(i64),
    /// One of a few names.
    Name(&'static str),
    /// Yes or no.
    Flag(bool),
}

impl Event {
    /// The event's `type`.
    ///
    /// ```
    /// use custom_identity_provider::core::{Event, Method};
    ///
    /// assert_eq!(Event::Call { method: Method::GetToken }.name(), "call");
    /// ```
    pub fn name(&self) -> &'static str {
        match self {
            Self::Call { .. } => "call",
            Self::CacheHit { .. } => "cache_hit",
            Self::Joined { .. } => "joined",
            Self::RequestBegan { .. } => "request_began",
            Self::RequestRetrying { .. } => "request_retrying",
            Self::RequestSucceeded { .. } => "request_succeeded",
            Self::RequestShared { .. } => "request_shared",
            Self::RequestFailed { .. } => "request_failed",
            Self::RequestAborted { .. } => "request_aborted",
            Self::CoolingDown { .. } => "cooling_down",
            Self::Restored { .. } => "restored",
            Self::RecordRejected { .. } => "record_rejected",
            Self::StorageFailed { .. } => "storage_failed",
            Self::Invalidated => "invalidated",
            Self::MayHaveLeft => "may_have_left",
            Self::SignedOut { .. } => "signed_out",
            Self::IdentityChanged => "identity_changed",
            Self::EntityChanged { .. } => "entity_changed",
            Self::ShortLifetime { .. } => "short_lifetime",
            Self::ClockSkew { .. } => "clock_skew",
        }
    }

    /// Tells every detail by its name.
    ///
    /// ```
    /// use custom_identity_provider::core::{Detail, Event, Method};
    ///
    /// let mut told = Vec::new();
    /// Event::Joined { request: 7, method: Method::GetToken }.details(|name, detail| told.push((name, detail)));
    /// assert_eq!(told, [("request", Detail::Number(7)), ("method", Detail::Name("getToken"))]);
    /// ```
    pub fn details(&self, mut tell: impl FnMut(&'static str, Detail)) {
        let mut number = |name, number: i64| tell(name, Detail::Number(number));
        match *self {
            Self::Joined { request, .. }
            | Self::RequestBegan { request, .. }
            | Self::RequestRetrying { request, .. }
            | Self::RequestSucceeded { request, .. }
            | Self::RequestShared { request, .. }
            | Self::RequestFailed { request, .. }
            | Self::RequestAborted { request, .. }
            | Self::EntityChanged { request }
            | Self::ShortLifetime { request, .. }
            | Self::ClockSkew { request } => number("request", i64::from(request)),
            _ => {}
        }
        match *self {
            Self::CacheHit { remaining }
            | Self::CoolingDown { remaining }
            | Self::Restored { remaining }
            | Self::RequestShared { remaining, .. } => number("remaining", remaining),
            Self::RequestRetrying { attempt, delay, .. } => {
                number("attempt", i64::from(attempt));
                number("delay", delay);
            }
            Self::RequestSucceeded { duration, lifetime, .. } => {
                number("duration", duration);
                number("lifetime", lifetime);
            }
            Self::RequestFailed { duration, .. } => number("duration", duration),
            Self::ShortLifetime { lifetime, .. } => number("lifetime", lifetime),
            _ => {}
        }
        match *self {
            Self::RequestSucceeded { cached, .. } => tell("cached", Detail::Flag(cached)),
            Self::RequestFailed { demanded, .. } => tell("demanded", Detail::Flag(demanded)),
            _ => {}
        }
        let named = match *self {
            Self::Call { method } | Self::Joined { method, .. } => ("method", method.as_str()),
            Self::RequestBegan { reason, .. } => ("reason", reason.as_str()),
            Self::RequestRetrying { code, .. } | Self::RequestFailed { code, .. } => ("code", code.as_str()),
            Self::RequestAborted { why, .. } => ("why", why.as_str()),
            Self::RecordRejected { why } => ("why", why.as_str()),
            Self::StorageFailed { action } => ("action", action.as_str()),
            Self::SignedOut { origin } => ("origin", origin.as_str()),
            _ => return,
        };
        tell(named.0, Detail::Name(named.1));
    }
}

impl Method {
    /// The name as JavaScript sees it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::GetToken => "getToken",
            Self::GetFreshToken => "getFreshToken",
            Self::HasToken => "hasToken",
            Self::Invalidate => "invalidate",
        }
    }
}

impl Rejection {
    /// The name as JavaScript sees it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Corrupt => "corrupt",
            Self::Version => "version",
            Self::Scope => "scope",
            Self::SignedOut => "signed_out",
            Self::Future => "future",
            Self::Expired => "expired",
        }
    }
}

impl AbortReason {
    /// The name as JavaScript sees it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SignedOut => "signed_out",
            Self::IdentityChanged => "identity_changed",
            Self::Invalidated => "invalidated",
            Self::Abandoned => "abandoned",
        }
    }
}

impl SignOutOrigin {
    /// The name as JavaScript sees it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ThisTab => "this_tab",
            Self::OtherTab => "other_tab",
        }
    }
}

impl StorageAction {
    /// The name as JavaScript sees it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Remove => "remove",
        }
    }
}
