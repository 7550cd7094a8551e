//! LiveChat's token, as its endpoint sends it and as its widget expects it.

use serde::Serialize;

/// A finished token that lives less than this most likely has its lifetime in seconds. Milliseconds.
pub const SHORT_LIFETIME: i64 = 100_000;

/// A token in the accounts endpoint's own shape, which the identity service passes on; the lifetime in seconds.
///
/// Shape: LiveChat, "Customer authorization flows".
#[derive(Clone, Serialize, PartialEq, Eq)]
pub struct RawToken<'a> {
    /// Calls LiveChat's APIs on behalf of the customer.
    pub access_token: &'a str,
    /// LiveChat's id of the customer.
    pub entity_id: &'a str,
    /// Seconds left.
    pub expires_in: u64,
    /// Always `Bearer`.
    pub token_type: &'static str,
    /// Present when the organization is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<&'a str>,
    /// Present when the licence is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub license_id: Option<u64>,
}

/// A LiveChat token of exactly the documented fields; durations and times in milliseconds.
///
/// Shape: LiveChat, "Custom Identity Provider", section "Chat Widget token".
#[derive(Clone, PartialEq, Eq)]
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
    pub license_id: Option<i64>,
    /// Present when the organization is known.
    pub organization_id: Option<String>,
}

/// Shows neither the token nor the customer.
impl std::fmt::Debug for Token {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Token(…)")
    }
}
