//! What the session holds for a widget: a token of LiveChat's, a JWT, or the right to hand on one code; and how long it may be used.

use super::lifetime::{Lifetime, Moment};
use super::token::{Account, Token};

/// What a widget needs of its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A token for this account of LiveChat's.
    Token(Account),
    /// A JSON Web Token as the widget's vendor takes it.
    Jwt(&'static JwtProfile),
    /// A code for one redemption: never cached, never given to two callers.
    Code,
}

/// What a widget's vendor takes of JSON Web Tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JwtProfile {
    /// The algorithms of signed tokens, by their names in a header (RFC 7518, section 3.1).
    pub signed: &'static [&'static str],
    /// The algorithms that encrypt the keys of encrypted tokens (RFC 7518, section 4.1); none where the vendor decrypts nothing.
    pub encrypted: &'static [&'static str],
    /// The claim that names the customer.
    pub subject: &'static str,
}

/// A JSON Web Token (RFC 7519), as far as it is understood here: nobody checks its signature in a browser.
#[derive(Clone, PartialEq, Eq)]
pub struct Jwt {
    /// The token itself.
    pub text: String,
    /// The claim that names the customer, where it can be read.
    pub subject: Option<String>,
    /// Its claim `iat` in milliseconds since 1970, by the signer's clock.
    pub issued: i64,
}

/// Shows neither the token nor the customer.
impl std::fmt::Debug for Jwt {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Jwt(…)")
    }
}

/// What a widget is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// A token of LiveChat's.
    Token(Token),
    /// A JSON Web Token.
    Jwt(Jwt),
    /// The answer itself, which is a code and is handed on as it is.
    Code,
}

/// What the session holds: a credential, and its lifetime by both clocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// What is handed out.
    pub credential: Credential,
    /// How long it may be used. A code's is nothing at all.
    pub lifetime: Lifetime,
}

/// How long before expiry a refresh ahead begins: as set, but never more than half of a token's usable life, or a token that lives
/// shorter than the setting would be refreshed at every call.
///
/// ```
/// use custom_identity_provider::core::{Lifetime, refresh_stretch};
///
/// let minute = Lifetime { created: 0, expires_in: 60_000, created_monotonic: None };
/// assert_eq!(refresh_stretch(&minute, None, 5_000), 5_000);
/// // Half of what is left without the margin of 6 s.
/// assert_eq!(refresh_stretch(&minute, None, 60_000), 27_000);
/// ```
pub fn refresh_stretch(lifetime: &Lifetime, margin: Option<i64>, refresh_ahead: i64) -> i64 {
    refresh_ahead.min(lifetime.expires_in.saturating_sub(lifetime.margin(margin)) / 2)
}

impl Grant {
    /// Whether the token is in the last stretch of its life, where a refresh ahead begins.
    ///
    /// ```
    /// use custom_identity_provider::core::{Credential, Grant, Lifetime, Moment};
    ///
    /// let sent = Moment { wall: 0, monotonic: 0 };
    /// let grant = Grant { credential: Credential::Code, lifetime: Lifetime::since_sent(sent, 60_000) };
    /// let at = |time| Moment { wall: time, monotonic: time };
    /// assert!(!grant.is_in_last_stretch(at(40_000), None, 10_000));
    /// assert!(grant.is_in_last_stretch(at(44_000), None, 10_000));
    /// ```
    pub fn is_in_last_stretch(&self, now: Moment, margin: Option<i64>, refresh_ahead: i64) -> bool {
        self.lifetime.remaining(now, margin) <= refresh_stretch(&self.lifetime, margin, refresh_ahead)
    }

    /// Whom the widget will take the customer for.
    pub fn entity(&self) -> Option<&str> {
        match &self.credential {
            Credential::Token(token) => Some(&token.entity_id),
            Credential::Jwt(jwt) => jwt.subject.as_deref(),
            Credential::Code => None,
        }
    }

    /// Whether this is the same JWT as an earlier one: then its life goes on from when that one was first here, so that a token which
    /// comes again does not live longer than it was meant to.
    pub fn goes_on_from(&mut self, earlier: &Self) -> bool {
        if let (Credential::Jwt(jwt), Credential::Jwt(known)) = (&self.credential, &earlier.credential)
            && jwt.text == known.text
        {
            let (mine, theirs) = (&mut self.lifetime, &earlier.lifetime);
            mine.created = mine.created.min(theirs.created);
            if let (Some(created), Some(first)) = (&mut mine.created_monotonic, theirs.created_monotonic) {
                *created = (*created).min(first);
            }
            return true;
        }
        false
    }
}
