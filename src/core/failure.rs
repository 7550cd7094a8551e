//! Why a call fails.

use std::borrow::Cow;

/// The codes of IdentityError; `pkg/index.d.ts` says what each means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is documented in the package's types")]
pub enum ErrorCode {
    BadOption,
    BadIdentity,
    BadAnswer,
    NotSignedIn,
    Refused,
    Unavailable,
    Network,
    TimedOut,
    SourceFailed,
    CoolingDown,
    SignedOut,
    IdentityChanged,
    SsoIdentityException,
    SsoOauthException,
}

impl ErrorCode {
    /// Every code, so that a test can hold them against the package's types.
    pub const ALL: [Self; 14] = [
        Self::BadOption,
        Self::BadIdentity,
        Self::BadAnswer,
        Self::NotSignedIn,
        Self::Refused,
        Self::Unavailable,
        Self::Network,
        Self::TimedOut,
        Self::SourceFailed,
        Self::CoolingDown,
        Self::SignedOut,
        Self::IdentityChanged,
        Self::SsoIdentityException,
        Self::SsoOauthException,
    ];

    /// The code as JavaScript sees it.
    ///
    /// ```
    /// use custom_identity_provider::core::ErrorCode;
    ///
    /// assert_eq!(ErrorCode::NotSignedIn.as_str(), "NOT_SIGNED_IN");
    /// ```
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BadOption => "BAD_OPTION",
            Self::BadIdentity => "BAD_IDENTITY",
            Self::BadAnswer => "BAD_ANSWER",
            Self::NotSignedIn => "NOT_SIGNED_IN",
            Self::Refused => "REFUSED",
            Self::Unavailable => "UNAVAILABLE",
            Self::Network => "NETWORK",
            Self::TimedOut => "TIMED_OUT",
            Self::SourceFailed => "SOURCE_FAILED",
            Self::CoolingDown => "COOLING_DOWN",
            Self::SignedOut => "SIGNED_OUT",
            Self::IdentityChanged => "IDENTITY_CHANGED",
            Self::SsoIdentityException => "SSO_IDENTITY_EXCEPTION",
            Self::SsoOauthException => "SSO_OAUTH_EXCEPTION",
        }
    }
}

/// One failure, as it will become an IdentityError. Its message names what is wrong and never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What kind of failure.
    pub code: ErrorCode,
    /// For a person.
    pub message: Cow<'static, str>,
    /// Whether the same call may succeed later without anybody changing anything; such a failure is tried again.
    pub retryable: bool,
    /// The HTTP status, when there was one.
    pub status: Option<u16>,
    /// Milliseconds until the next try is welcome, when known.
    pub retry_after: Option<i64>,
}

impl Failure {
    /// A failure that trying again does not cure.
    pub fn lasting(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into(), retryable: false, status: None, retry_after: None }
    }

    /// A failure that may pass by itself.
    pub fn passing(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self { retryable: true, ..Self::lasting(code, message) }
    }

    /// An answer that is not a token: the field, what it holds and what was expected.
    ///
    /// ```
    /// use custom_identity_provider::core::Failure;
    ///
    /// let failure = Failure::bad_answer("expires_in", "a string", "a positive number of seconds");
    /// assert_eq!(failure.message, "the answer's expires_in is a string, expected a positive number of seconds");
    /// assert!(!failure.retryable);
    /// ```
    pub fn bad_answer(field: &str, found: &str, expected: &str) -> Self {
        let subject =
            if field.is_empty() { "the source's answer".to_owned() } else { ["the answer's ", field].concat() };
        Self::lasting(ErrorCode::BadAnswer, [subject.as_str(), " is ", found, ", expected ", expected].concat())
    }

    /// The deadline of an attempt passed.
    pub fn timed_out() -> Self {
        Self::passing(ErrorCode::TimedOut, "the source did not answer within the timeout")
    }

    /// The person signed out while somebody waited.
    pub fn signed_out() -> Self {
        Self::lasting(ErrorCode::SignedOut, "the person signed out")
    }

    /// Another person signed in while somebody waited.
    pub fn identity_changed() -> Self {
        Self::lasting(ErrorCode::IdentityChanged, "another person signed in")
    }

    /// A caller's `identity` failed. Without knowing who is signed in, no token may be given out.
    pub fn unknown_identity() -> Self {
        Self::lasting(ErrorCode::BadIdentity, "nobody knows who is signed in; see cause")
    }

    /// Only somebody who is signed in can be authenticated.
    pub fn nobody_signed_in() -> Self {
        Self::lasting(ErrorCode::NotSignedIn, "nobody is signed in")
    }

    /// Asked too soon after a failure.
    pub fn cooling_down(remaining: i64) -> Self {
        Self {
            retry_after: Some(remaining),
            ..Self::passing(ErrorCode::CoolingDown, "asked too soon after a failure; see cause and retryAfter")
        }
    }

    /// The service sent who asked to a page where people sign in.
    pub fn sign_in_page() -> Self {
        Self::lasting(
            ErrorCode::NotSignedIn,
            "the service answered with a page instead of a token: nobody is signed in",
        )
    }

    /// A function given as source failed, and nothing is known of the reason.
    pub fn source_failed(retryable: bool) -> Self {
        Self { retryable, ..Self::lasting(ErrorCode::SourceFailed, "the function given as source failed; see cause") }
    }

    /// What an HTTP status other than success means; the table is in `outcome.rs`.
    ///
    /// ```
    /// use custom_identity_provider::core::{ErrorCode, Failure};
    ///
    /// let failure = Failure::of_status(503, Some(2_000));
    /// assert_eq!((failure.code, failure.retryable), (ErrorCode::Unavailable, true));
    /// assert_eq!(Failure::of_status(403, None).code, ErrorCode::Refused);
    /// ```
    pub fn of_status(status: u16, retry_after: Option<i64>) -> Self {
        let failure = match status {
            302 | 303 | 307 => Self::sign_in_page(),
            304 => Self::bad_answer("", "not modified (HTTP 304)", "a token, which no cache may keep"),
            401 => Self::lasting(ErrorCode::NotSignedIn, "the service knows nobody who is signed in (HTTP 401)"),
            408 | 429 | 500..=599 => Self::passing(ErrorCode::Unavailable, "the service is not available; see status"),
            _ => Self::lasting(ErrorCode::Refused, "the service refused; see status"),
        };
        Self { status: Some(status), retry_after, ..failure }
    }

    /// What an exception of LiveChat's accounts means: its clients stop at one, but for the two that pass by themselves.
    ///
    /// Names: LiveChat, "Customer Accounts API".
    ///
    /// ```
    /// use custom_identity_provider::core::{ErrorCode, Failure};
    ///
    /// let of = |name: &str| Failure::of_exception(ErrorCode::SsoOauthException, name.to_owned(), None, None);
    /// assert!(!of("invalid_grant").retryable);
    /// assert!(of("temporarily_unavailable").retryable);
    /// ```
    pub fn of_exception(code: ErrorCode, name: String, status: Option<u16>, retry_after: Option<i64>) -> Self {
        let retryable = matches!(name.as_str(), "server_error" | "temporarily_unavailable");
        Self { code, message: name.into(), retryable, status, retry_after }
    }
}
