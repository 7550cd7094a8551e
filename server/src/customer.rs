//! By what a customer is known: at the site, at LiveChat, and in a browser where nobody is signed in.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// The site's own id of a customer. It has no `Debug` that shows it: it belongs in no log.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CustomerId(Arc<str>);

impl CustomerId {
    /// Takes 1 to 256 bytes without control characters.
    pub fn parse(text: &str) -> Option<Self> {
        ((1..=256).contains(&text.len()) && !text.chars().any(char::is_control)).then(|| Self(Arc::from(text)))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// LiveChat's id of a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntityId(Arc<str>);

impl EntityId {
    /// Takes 1 to 256 printable ASCII characters without spaces.
    pub fn parse(text: &str) -> Option<Self> {
        let printable = text.bytes().all(|byte| byte.is_ascii_graphic());
        ((1..=256).contains(&text.len()) && printable).then(|| Self(Arc::from(text)))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The SHA-256 digest of what a guest's cookie holds. It has no `Debug`: it belongs in no log.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct GuestId(Arc<str>);

impl GuestId {
    /// The guest whose cookie holds this secret.
    pub fn of_secret(secret: &str) -> Self {
        Self(Arc::from(URL_SAFE_NO_PAD.encode(digest(&SHA256, secret.as_bytes()))))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
