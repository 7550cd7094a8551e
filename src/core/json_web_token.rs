//! How a JSON Web Token is read: its lifetime from its own claims (RFC 7519), and what the widgets' vendors would refuse.
//!
//! No signature is checked: a browser has nobody to protect from the page that signs, and the vendor checks it.

use super::credential::{Credential, Grant, Jwt, JwtProfile};
use super::failure::Failure;
use super::fields::{Fields, Reader, Value};
use super::lifetime::{Lifetime, Moment};
use super::number::whole;

/// What a JWT says of itself.
pub(super) struct Claims {
    pub(super) jwt: Jwt,
    /// `exp` − `iat` in milliseconds.
    pub(super) expires_in: i64,
}

/// Reads a JWT that was taken apart: `token` is its text and `parts` their number, `alg` stands in its header, and the rest
/// among its claims, or in the header of an encrypted one (RFC 7519, section 5.3).
pub(super) fn read_claims(taken_apart: &mut Reader<'_>, profile: &JwtProfile) -> Claims {
    let text = match taken_apart.field("token") {
        Value::Text(text) => text,
        found => {
            taken_apart.unexpected("token", found.type_name(), "a JWT as a string");
            String::new()
        }
    };
    let algorithms = match taken_apart.field("parts") {
        Value::Number(5.0) if !profile.encrypted.is_empty() => profile.encrypted,
        parts => {
            if !matches!(parts, Value::Number(3.0)) {
                taken_apart.flawed(wrong("form", "header, claims and signature, joined by dots"));
            }
            profile.signed
        }
    };
    if !matches!(taken_apart.field("alg"), Value::Text(found) if algorithms.contains(&found.as_str())) {
        let mut expected = String::new();
        for algorithm in algorithms {
            if !expected.is_empty() {
                expected.push_str(" or ");
            }
            expected.push_str(algorithm);
        }
        taken_apart.flawed(wrong("alg", &expected));
    }
    let issued = numeric_date(taken_apart, "iat");
    let expires_in = numeric_date(taken_apart, "exp").saturating_sub(issued);
    if !Lifetime::is_sane(expires_in) {
        taken_apart.flawed(wrong("exp", "a time after iat, within a year"));
    }
    let subject = match taken_apart.field(profile.subject) {
        Value::Text(subject) => Some(subject),
        _ => None,
    };
    Claims { jwt: Jwt { text, subject, issued }, expires_in }
}

/// A JWT that just arrived; the flag tells that the signer's clock disagrees with this machine's.
pub(super) fn read_jwt(
    taken_apart: &dyn Fields,
    profile: &JwtProfile,
    sent: Moment,
    now: Moment,
) -> Result<(Grant, bool), Failure> {
    let mut reader = Reader::new(taken_apart);
    let Claims { jwt, expires_in } = read_claims(&mut reader, profile);
    let (lifetime, is_skewed) = Lifetime::since_creation(jwt.issued, expires_in, sent, now);
    reader.done((Grant { credential: Credential::Jwt(jwt), lifetime }, is_skewed))
}

/// A JWT that came again after its life ended here; no lifetime could be told for it.
pub(super) fn came_again() -> Failure {
    wrong("iat", "a token signed anew, not one whose life ended here already")
}

/// A NumericDate of RFC 7519 as milliseconds since 1970.
fn numeric_date(claims: &mut Reader<'_>, claim: &'static str) -> i64 {
    /// 13 digits are milliseconds: as seconds they would be some thirty thousand years ahead.
    const FIRST_NUMBER_IN_MILLISECONDS: f64 = 100_000_000_000.0;
    let expected = match claims.field(claim) {
        Value::Number(seconds) if seconds > 0.0 && seconds < FIRST_NUMBER_IN_MILLISECONDS => {
            return whole(seconds * 1_000.0);
        }
        Value::Number(_) => "seconds since 1970, not milliseconds",
        _ => "a number of seconds since 1970",
    };
    claims.flawed(wrong(claim, expected));
    0
}

/// What is wrong with a JWT, and who has to fix it.
fn wrong(what: &str, expected: &str) -> Failure {
    let message = ["the JWT's ", what, " is wrong: expected ", expected, "; to be mended in the service that signs it"];
    Failure::lasting(super::failure::ErrorCode::BadAnswer, message.concat())
}
