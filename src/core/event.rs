//! What `onEvent` is told: everything that happens, and no secret. `pkg/index.d.ts` says what each means.

use serde::Serialize;

use super::failure::Code;
use super::session::Reason;

/// The methods of a provider, by their documented names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "each is documented in the package's types")]
pub enum Method {
    GetToken,
    GetFreshToken,
    HasToken,
    Invalidate,
}

/// Why a stored record was not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rejection {
    /// Not JSON, not an object, or a field is no part of a token.
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SignOutOrigin {
    /// In this tab.
    ThisTab,
    /// In another tab of the origin.
    OtherTab,
}

/// One thing that happened. Durations in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[allow(missing_docs, reason = "each is documented in the package's types")]
pub enum Event {
    Call { method: Method },
    CacheHit { remaining: i64 },
    Joined { request: u32, method: Method },
    RequestBegan { request: u32, reason: Reason },
    RequestRetrying { request: u32, attempt: u32, code: Code, delay: i64 },
    RequestSucceeded { request: u32, duration: i64, lifetime: i64, cached: bool },
    RequestFailed { request: u32, duration: i64, code: Code, demanded: bool },
    RequestAborted { request: u32, why: AbortReason },
    CoolingDown { remaining: i64 },
    Restored { remaining: i64 },
    RecordRejected { why: Rejection },
    StorageFailed { action: StorageAction },
    Invalidated,
    SignedOut { origin: SignOutOrigin },
    IdentityChanged,
    EntityChanged { request: u32 },
    ShortLifetime { request: u32, lifetime: i64 },
    ClockSkew { request: u32 },
}

/// What storage failed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum StorageAction {
    Read,
    Write,
    Remove,
}
