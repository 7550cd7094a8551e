//! How a JSON Web Token is read: its lifetime from its own claims (RFC 7519), and what the widgets' vendors would refuse.
//!
//! No signature is checked: a browser has nobody to protect from the page that signs, and the vendor checks it.

use super::credential::{Credential, Grant, Jwt};
use super::failure::Failure;
use super::fields::{Fields, Value};
use super::lifetime::{Lifetime, Moment};

/// What a JWT says of itself.
pub(super) struct Claims {
    pub(super) jwt: Jwt,
    /// `exp` − `iat` in milliseconds.
    pub(super) expires_in: i64,
}

/// Reads a JWT that was taken apart: `token` is its text and `parts` their number, `alg` stands in its header, and `iat`, `exp` and `sub`
/// among its claims, or in the header of an encrypted one (RFC 7519, section 5.3).
pub(super) fn read_claims(taken_apart: &dyn Fields, may_be_encrypted: bool) -> Result<Claims, Failure> {
    let text = match taken_apart.field("token") {
        Value::Text(text) => text,
        found => return Err(Failure::bad_answer("token", found.kind(), "a JWT as a string")),
    };
    let (algorithm, expected) = match taken_apart.field("parts") {
        Value::Number(3.0) => ("RS256", "RS256, the only algorithm that the widgets accept"),
        Value::Number(5.0) if may_be_encrypted => ("RSA-OAEP-256", "RSA-OAEP-256 for an encrypted token"),
        _ => return Err(wrong("form", "header, claims and signature, joined by dots")),
    };
    if taken_apart.field("alg") != Value::Text(algorithm.to_owned()) {
        return Err(wrong("alg", expected));
    }
    let issued = numeric_date(taken_apart, "iat")?;
    let expires_in = numeric_date(taken_apart, "exp")?.saturating_sub(issued);
    if !Lifetime::is_sane(expires_in) {
        return Err(wrong("exp", "a time after iat, within a year"));
    }
    let subject = match taken_apart.field("sub") {
        Value::Text(subject) => Some(subject),
        _ => None,
    };
    Ok(Claims { jwt: Jwt { text, subject, issued }, expires_in })
}

/// A JWT that just arrived; the flag tells that the signer's clock disagrees with this machine's.
pub(super) fn read_jwt(
    taken_apart: &dyn Fields,
    may_be_encrypted: bool,
    sent: Moment,
    now: Moment,
) -> Result<(Grant, bool), Failure> {
    let Claims { jwt, expires_in } = read_claims(taken_apart, may_be_encrypted)?;
    let (lifetime, is_skewed) = Lifetime::since_creation(jwt.issued, expires_in, sent, now);
    Ok((Grant { credential: Credential::Jwt(jwt), lifetime }, is_skewed))
}

/// A JWT that came again after its life ended here; no lifetime could be told for it.
pub(super) fn came_again() -> Failure {
    wrong("iat", "a token signed anew, not one whose life ended here already")
}

/// A NumericDate of RFC 7519 as milliseconds since 1970.
fn numeric_date(claims: &dyn Fields, claim: &'static str) -> Result<i64, Failure> {
    /// 13 digits are milliseconds: as seconds they would be some thirty thousand years ahead.
    const FIRST_NUMBER_IN_MILLISECONDS: f64 = 100_000_000_000.0;
    match claims.field(claim) {
        Value::Number(seconds) if seconds > 0.0 && seconds < FIRST_NUMBER_IN_MILLISECONDS => {
            Ok((seconds * 1_000.0) as i64)
        }
        Value::Number(_) => Err(wrong(claim, "seconds since 1970, not milliseconds")),
        _ => Err(wrong(claim, "a number of seconds since 1970")),
    }
}

/// What is wrong with a JWT, and who has to mend it.
fn wrong(what: &str, expected: &str) -> Failure {
    let message = ["the JWT's ", what, " is wrong: expected ", expected, "; to be mended in the service that signs it"];
    Failure::lasting(super::failure::Code::BadAnswer, message.concat())
}
