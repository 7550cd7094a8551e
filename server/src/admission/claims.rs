//! What the claims of a session have to say: from when and until when it is good, who issued it, and for whom (RFC 7519, section 4.1).

use serde_json::{Map, Value};

use super::refusal::Refusal;

/// How far the clocks of the site and of this service may differ, in seconds.
pub(super) const CLOCK_TOLERANCE: u64 = 5;

/// What is demanded of claims.
pub(super) struct Demands<'a> {
    /// `iss` has to be this, when set.
    pub(super) issuer: Option<&'a str>,
    /// `aud` has to be or hold this, when set.
    pub(super) audience: Option<&'a str>,
    /// Whether one that has no end is good.
    pub(super) may_be_endless: bool,
    /// For how many seconds after its end it is still good.
    pub(super) grace: u64,
}

impl Demands<'_> {
    /// Refuses claims that do not meet them, at a time in seconds since 1970.
    pub(super) fn check(&self, claims: &Map<String, Value>, now: u64) -> Result<(), Refusal> {
        // Times may have fractions (section 2, NumericDate).
        let now = now as f64;
        let time = |name: &str| claims.get(name).and_then(Value::as_f64);
        match time("exp") {
            None if !self.may_be_endless => return Err(Refusal::NoExpiry),
            Some(expiry) if expiry + (self.grace as f64) < now => return Err(Refusal::Expired),
            _ => {}
        }
        match time("nbf") {
            Some(not_before) if not_before > now + CLOCK_TOLERANCE as f64 => return Err(Refusal::NotYetValid),
            None if claims.get("nbf").is_some_and(|not_before| !not_before.is_null()) => {
                return Err(Refusal::Malformed);
            }
            _ => {}
        }
        let names = |name: &str, wanted: Option<&str>| match (wanted, claims.get(name)) {
            (None, _) => true,
            (Some(wanted), Some(Value::String(text))) => text == wanted,
            (Some(wanted), Some(Value::Array(list))) => list.iter().any(|text| text == wanted),
            (Some(_), _) => false,
        };
        if !names("iss", self.issuer) {
            return Err(Refusal::Issuer);
        }
        if !names("aud", self.audience) {
            return Err(Refusal::Audience);
        }
        Ok(())
    }
}
