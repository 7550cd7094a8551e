//! Why a session names nobody: as a code for programs, in words for people, and never with a part of the token.

use axum::http::StatusCode;

use crate::http::problem::Problem;

/// What is wrong with a session that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It is not a JWT, is too long, or has a claim of the wrong type.
    Malformed,
    /// Its algorithm is not the one of the site's sessions.
    Algorithm,
    /// It demands an extension (`crit`, RFC 7515, section 4.1.11); none are understood here.
    Critical,
    /// No key of the site made its signature.
    WrongKey,
    /// It never ends.
    NoExpiry,
    /// It has ended.
    Expired,
    /// Its issuer says that it is not valid, or no longer valid.
    Inactive,
    /// It has not begun.
    NotYetValid,
    /// Somebody else issued it.
    Issuer,
    /// It was issued for somebody else.
    Audience,
    /// It is valid, but names no customer.
    NoCustomer,
}

impl Refusal {
    /// The stable name.
    pub fn code(self) -> &'static str {
        match self {
            Self::Malformed => "session_malformed",
            Self::Algorithm => "session_algorithm",
            Self::Critical => "session_critical",
            Self::WrongKey => "session_wrong_key",
            Self::NoExpiry => "session_no_expiry",
            Self::Expired => "session_expired",
            Self::Inactive => "session_inactive",
            Self::NotYetValid => "session_not_yet_valid",
            Self::Issuer => "session_issuer",
            Self::Audience => "session_audience",
            Self::NoCustomer => "session_no_customer",
        }
    }

    /// The same in a sentence.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Malformed => "The session token is no JWT of at most 16 KiB with claims of the right types.",
            Self::Algorithm => "The session token is signed by another algorithm than the site's sessions are.",
            Self::Critical => "The session token demands an extension (crit) that is not known here.",
            Self::WrongKey => "The session token is not signed with a key of the site.",
            Self::NoExpiry => "The session token has no time of expiry (exp).",
            Self::Expired => "The session has expired.",
            Self::Inactive => "The session token is not active any more, says who issued it.",
            Self::NotYetValid => "The session token is not valid yet (nbf).",
            Self::Issuer => "The session token is of another issuer than the setting session-issuer.",
            Self::Audience => "The session token is for another audience than the setting session-audience.",
            Self::NoCustomer => "The session has no customer's id where the setting customer-claim says.",
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, refusal.code(), refusal.reason())
    }
}
