//! The token as widgets expect it, and the token as the session holds it.

use serde::{Deserialize, Serialize};

use super::lifetime::{Lifetime, Moment};

/// A finished token that lives less than this most likely has its lifetime in seconds. Milliseconds.
pub const SHORT_LIFETIME: i64 = 100_000;

/// A LiveChat token of exactly the documented fields; durations and times in milliseconds.
///
/// Shape: LiveChat, "Custom Identity Provider", section "Chat Widget token".
#[derive(Clone, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Token {
    /// Calls LiveChat's APIs on behalf of the customer.
    pub access_token: String,
    /// LiveChat's id of the customer.
    pub entity_id: String,
    /// Lifetime from `creation_date`.
    pub expires_in: i64,
    /// Always `Bearer`.
    pub token_type: String,
    /// When the request for it was sent, since 1970.
    pub creation_date: i64,
    /// Present when the licence is known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub license_id: Option<i64>,
    /// Present when the organization is known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub organization_id: Option<String>,
}

/// Shows neither the token nor the customer.
impl std::fmt::Debug for Token {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Token(…)")
    }
}

/// What the session holds: a token, and its lifetime by both clocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// What is handed out.
    pub token: Token,
    /// How long it may be used.
    pub lifetime: Lifetime,
}

/// How long before expiry a refresh ahead begins: as set, but never more than half of a token's usable life, or a token that lives
/// shorter than the setting would be refreshed at every call.
pub fn refresh_stretch(lifetime: &Lifetime, margin: Option<i64>, refresh_ahead: i64) -> i64 {
    refresh_ahead.min(lifetime.expires_in.saturating_sub(lifetime.margin(margin)) / 2)
}

impl Grant {
    /// Whether the token is in the last stretch of its life, where a refresh ahead begins.
    pub fn is_in_last_stretch(&self, now: Moment, margin: Option<i64>, refresh_ahead: i64) -> bool {
        self.lifetime.remaining(now, margin) <= refresh_stretch(&self.lifetime, margin, refresh_ahead)
    }
}
