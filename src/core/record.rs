//! How a stored record is read: versioned, scoped, and validated as what it is, bytes from outside.

use super::answer::{BEARER, FINISHED_NAMES, read_fields};
use super::credential::{Credential, Grant, Kind};
use super::event::Rejection;
use super::fields::{Fields, Reader, Value};
use super::json_web_token::read_claims;
use super::lifetime::{CREATION_TOLERANCE, Lifetime, Moment};

/// The version of the record's layout. Another version's record is a miss.
pub const RECORD_VERSION: i64 = 1;

/// Every key under which the package stores anything begins with this.
pub const STORAGE_PREFIX: &str = "custom_identity_provider:";

/// What ties a record to one person and to the time since the latest sign-out.
#[derive(Clone, Copy, Debug)]
pub struct RecordScope<'a> {
    /// A digest of widget, account and identity; the identity itself is not stored.
    pub scope: &'a str,
    /// Changes at every sign-out in any tab of the origin.
    pub generation: &'a str,
}

/// Reads a record; whatever is wrong with it is a miss, and the record has to be removed. Its life may be over.
///
/// ```
/// use custom_identity_provider::core::{Account, Fields, Kind, Moment, RECORD_VERSION, RecordScope, Rejection, Value, read_record};
///
/// # struct Object(Vec<(&'static str, Value)>);
/// # impl Fields for Object {
/// #     fn field(&self, name: &str) -> Value {
/// #         self.0.iter().find(|(known, _)| *known == name).map_or(Value::Missing, |(_, value)| value.clone())
/// #     }
/// # }
/// # fn text(text: &str) -> Value {
/// #     Value::Text(text.to_owned())
/// # }
/// let record = |scope: &str| Object(vec![
///     ("version", Value::Number(RECORD_VERSION as f64)),
///     ("scope", text(scope)),
///     ("generation", text("4f2a")),
///     ("creationDate", Value::Number(1_700_000_000_000.0)),
///     ("accessToken", text("dal:kdKUJ4zfR1")),
///     ("entityId", text("b7eff798-f8df-4364-8059")),
///     ("expiresIn", Value::Number(28_800_000.0)),
///     ("tokenType", text("Bearer")),
/// ]);
/// let read = |scope: &str| {
///     let expected = RecordScope { scope: "ada", generation: "4f2a" };
///     let now = Moment { wall: 1_700_000_060_000, monotonic: 0 };
///     read_record(&record(scope), &Kind::Token(Account::default()), expected, now)
/// };
/// assert_eq!(read("ada").map(|grant| grant.lifetime.expires_in), Ok(28_800_000));
/// // Nobody reads what was somebody else's.
/// assert_eq!(read("grace"), Err(Rejection::Scope));
/// ```
pub fn read_record(
    record: &dyn Fields,
    kind: &Kind,
    expected: RecordScope<'_>,
    now: Moment,
) -> Result<Grant, Rejection> {
    match record.field("version") {
        Value::Number(version) if version == RECORD_VERSION as f64 => {}
        Value::Number(_) => return Err(Rejection::Version),
        _ => return Err(Rejection::Corrupt),
    }
    // Before the scope, which is a digest under the generation's salt: after a sign-out no scope is the same either.
    match record.field("generation") {
        Value::Text(generation) if generation == expected.generation => {}
        Value::Text(_) => return Err(Rejection::SignedOut),
        _ => return Err(Rejection::Corrupt),
    }
    let mut reader = Reader::new(record);
    if reader.text("scope") != expected.scope {
        return Err(reader.done(Rejection::Scope).unwrap_or(Rejection::Corrupt));
    }
    let created = reader.creation_date("creationDate");
    let (credential, expires_in) = match kind {
        Kind::Token(_) => {
            let mut token = read_fields(&mut reader, &FINISHED_NAMES);
            if token.token_type != BEARER || matches!(reader.field("organizationId"), Value::Null) {
                return Err(Rejection::Corrupt);
            }
            token.creation_date = created;
            let expires_in = token.expires_in;
            (Credential::Token(token), expires_in)
        }
        Kind::Jwt(profile) => {
            let claims = read_claims(&mut reader, profile);
            (Credential::Jwt(claims.jwt), claims.expires_in)
        }
        // A code is never stored.
        Kind::Code => return Err(Rejection::Corrupt),
    };
    // Which field is corrupt helps nobody: nobody writes records by hand.
    reader.done(()).map_err(|_flaw| Rejection::Corrupt)?;
    if created > now.wall.saturating_add(CREATION_TOLERANCE) {
        return Err(Rejection::Future);
    }
    Ok(Grant { credential, lifetime: Lifetime { created, expires_in, created_monotonic: None } })
}
