//! How a stored record is read: versioned, scoped, and validated as what it is, bytes from outside.

use super::answer::{read_creation_date, read_license, read_lifetime, read_text};
use super::event::Rejection;
use super::failure::Failure;
use super::fields::{Fields, Value};
use super::lifetime::{CREATION_TOLERANCE, Lifetime, Moment};
use super::token::{Grant, Token};

/// The version of the record's layout. Another version's record is a miss.
pub const RECORD_VERSION: i64 = 1;

/// What ties a record to one person and to the time since the latest sign-out.
#[derive(Clone, Copy, Debug)]
pub struct RecordScope<'a> {
    /// A digest of widget, account and identity; the identity itself is not stored.
    pub scope: &'a str,
    /// Changes at every sign-out in any tab of the origin.
    pub generation: &'a str,
}

/// Reads a record; whatever is wrong with it is a miss, and the record has to be removed.
pub fn read_record(
    record: &dyn Fields,
    expected: RecordScope<'_>,
    now: Moment,
    margin: Option<i64>,
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
    if read_text(record, "scope").map_err(corrupt)? != expected.scope {
        return Err(Rejection::Scope);
    }
    let token = Token {
        access_token: read_text(record, "accessToken").map_err(corrupt)?,
        entity_id: read_text(record, "entityId").map_err(corrupt)?,
        expires_in: read_lifetime(record, "expiresIn", 1.0).map_err(corrupt)?,
        token_type: read_text(record, "tokenType").map_err(corrupt)?,
        creation_date: read_creation_date(record, "creationDate").map_err(corrupt)?,
        license_id: read_license(record, "licenseId").map_err(corrupt)?,
        organization_id: match record.field("organizationId") {
            Value::Missing => None,
            _ => Some(read_text(record, "organizationId").map_err(corrupt)?),
        },
    };
    if token.token_type != "Bearer" {
        return Err(Rejection::Corrupt);
    }
    if token.creation_date > now.wall.saturating_add(CREATION_TOLERANCE) {
        return Err(Rejection::Future);
    }
    let lifetime = Lifetime { created: token.creation_date, expires_in: token.expires_in, created_monotonic: None };
    if !lifetime.is_usable(now, margin) {
        return Err(Rejection::Expired);
    }
    Ok(Grant { token, lifetime })
}

/// Which field is corrupt helps nobody: nobody writes records by hand.
fn corrupt(_failure: Failure) -> Rejection {
    Rejection::Corrupt
}
