//! LiveChat's token, as its endpoint sends it and as its widget expects it.

use serde::Serialize;

/// The LiveChat account that the page's options name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// The licence's number.
    pub license_id: Option<i64>,
    /// The organization's id.
    pub organization_id: Option<String>,
}

/// A finished token that lives less than this most likely has its lifetime in seconds. Milliseconds.
pub const SHORT_LIFETIME: i64 = 100_000;

/// A token in the accounts endpoint's own form, which the identity service passes on; the lifetime in seconds.
///
/// Shape: LiveChat, "Customer authorization flows".
///
/// ```
/// use custom_identity_provider::core::RawToken;
///
/// let token = RawToken {
///     access_token: "dal:kdKUJ4zfR1",
///     entity_id: "b7eff798-f8df-4364-8059",
///     expires_in: 28_800,
///     token_type: "Bearer",
///     organization_id: None,
///     license_id: Some(12_345_678),
/// };
/// let written = serde_json::to_value(&token)?;
/// assert_eq!(written["expires_in"], 28_800);
/// // What is not known is not there, rather than null.
/// assert!(written.get("organization_id").is_none());
/// # Ok::<(), serde_json::Error>(())
/// ```
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
///
/// ```
/// # use custom_identity_provider::core::Token;
/// # let token = Token {
/// #     access_token: "dal:kdKUJ4zfR1".to_owned(),
/// #     entity_id: "b7eff798-f8df-4364-8059".to_owned(),
/// #     expires_in: 28_800_000,
/// #     token_type: "Bearer".to_owned(),
/// #     creation_date: 1_700_000_000_000,
/// #     license_id: None,
/// #     organization_id: None,
/// # };
/// assert_eq!(format!("{token:?}"), "Token(…)");
/// ```
impl std::fmt::Debug for Token {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Token(…)")
    }
}
