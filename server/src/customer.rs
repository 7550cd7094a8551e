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

    /// Takes what a session says it is: the same, but no word for nobody. As an id, it would make one customer of all visitors who are not
    /// signed in, and each would read the others' conversations.
    pub fn of_session(text: &str) -> Option<Self> {
        Self::parse(text).filter(|_| !NOBODY.contains(&text))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What sites write of who is not signed in: the user 0 of WordPress and Drupal, what languages make a text of that is none, and the names
/// of Spring and Django.
pub const NOBODY: [&str; 11] =
    ["0", "null", "NULL", "None", "nil", "undefined", "NaN", "false", "anonymous", "anonymousUser", "AnonymousUser"];

/// LiveChat's id of a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntityId(Arc<str>);

impl EntityId {
    /// Takes 1 to 256 printable ASCII characters without spaces.
    pub fn parse(text: &str) -> Option<Self> {
        let printable = text.bytes().all(|byte| byte.is_ascii_graphic());
        ((1..=256).contains(&text.len()) && printable).then(|| Self(Arc::from(text)))
    }

    /// Takes what somebody says it is: the same, but no word for none. A table often has none for a customer who has not chatted yet, and
    /// under such a word LiveChat would refuse the customer for ever.
    pub fn given(text: &str) -> Option<Self> {
        let is_none = NONE.iter().any(|word| text.eq_ignore_ascii_case(word)) || SPREADSHEET_ERRORS.contains(&text);
        Self::parse(text).filter(|_| !is_none)
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How databases and languages write that there is none.
const NONE: [&str; 9] = ["null", "(null)", "\\N", "none", "nil", "undefined", "nan", "n/a", "-"];
/// What spreadsheets show in place of what they cannot compute.
pub const SPREADSHEET_ERRORS: [&str; 7] = ["#N/A", "#REF!", "#NAME?", "#VALUE!", "#DIV/0!", "#NULL!", "#NUM!"];

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
