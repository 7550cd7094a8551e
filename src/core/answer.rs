//! How a source's answer becomes what the widget needs; anything else names the field that is wrong.
//!
//! A token of LiveChat's comes in the endpoint's own form, or finished.

use super::credential::{Credential, Grant, Kind};
use super::failure::Failure;
use super::fields::{Fields, Reader, Value};
use super::json_web_token::read_jwt;
use super::lifetime::{Lifetime, Moment};
use super::token::{Account, SHORT_LIFETIME, Token};

/// What a source answered with.
pub enum Answer<'a> {
    /// An object, to be read field by field; a JWT is one that was taken apart.
    Object(&'a dyn Fields),
    /// A string; only a code is one.
    Text(&'a str),
    /// A null.
    Null,
    /// Something that can't be an answer; says what: "undefined", "a function".
    Other(&'static str),
}

/// What is odd about an answer that is accepted all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Warning {
    /// A finished token lives under 100 s: most likely its lifetime is in seconds.
    ShortLifetime,
    /// Its creation date disagrees with this machine's clock.
    ClockSkew,
}

/// The names that one form gives to a token's fields, and its unit of time.
pub(super) struct FieldNames {
    access_token: &'static str,
    entity_id: &'static str,
    expires_in: &'static str,
    token_type: &'static str,
    /// Milliseconds in a unit of the lifetime.
    unit: f64,
    creation_date: Option<&'static str>,
    license_id: &'static str,
    organization_id: &'static str,
}

/// The accounts endpoint's own form. Source: LiveChat, "Customer authorization flows".
const RAW: FieldNames = FieldNames {
    access_token: "access_token",
    entity_id: "entity_id",
    expires_in: "expires_in",
    token_type: "token_type",
    unit: 1_000.0,
    creation_date: None,
    license_id: "license_id",
    organization_id: "organization_id",
};

/// A token as the widget expects it. Source: LiveChat, "Custom Identity Provider".
const FINISHED: &str = "accessToken";
pub(super) const FINISHED_NAMES: FieldNames = FieldNames {
    access_token: FINISHED,
    entity_id: "entityId",
    expires_in: "expiresIn",
    token_type: "tokenType",
    unit: 1.0,
    creation_date: Some("creationDate"),
    license_id: "licenseId",
    organization_id: "organizationId",
};

/// The only type of token that there is.
pub(super) const BEARER: &str = "Bearer";

/// Reads an answer to a request sent at `sent`; the failure names the field and never its value.
///
/// ```
/// use custom_identity_provider::core::{Account, Answer, Credential, Fields, Kind, Moment, Value, read_answer};
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
/// let answer = Object(vec![
///     ("access_token", text("dal:kdKUJ4zfR1")),
///     ("entity_id", text("b7eff798-f8df-4364-8059")),
///     ("expires_in", Value::Number(28_800.0)),
///     ("token_type", text("Bearer")),
/// ]);
/// let kind = Kind::Token(Account { license_id: Some(12_345_678), organization_id: None });
/// let sent = Moment { wall: 1_700_000_000_000, monotonic: 0 };
/// let (grant, warnings) = read_answer(&Answer::Object(&answer), &kind, sent, sent).map_err(|failure| failure.message)?;
/// let Credential::Token(token) = grant.credential else { unreachable!() };
/// assert_eq!((token.expires_in, token.creation_date), (28_800_000, sent.wall));
/// assert_eq!(token.license_id, Some(12_345_678));
/// assert!(warnings.is_empty());
///
/// let failure = read_answer(&Answer::Other("undefined"), &kind, sent, sent).unwrap_err();
/// assert_eq!(failure.message, "the source's answer is undefined, expected an object with access_token or accessToken");
/// # Ok::<(), std::borrow::Cow<'static, str>>(())
/// ```
pub fn read_answer(
    answer: &Answer<'_>,
    kind: &Kind,
    sent: Moment,
    now: Moment,
) -> Result<(Grant, Vec<Warning>), Failure> {
    match (kind, answer) {
        (Kind::Token(account), Answer::Object(fields)) => read_token(*fields, account, sent, now),
        (Kind::Jwt(profile), Answer::Object(taken_apart)) => {
            let (grant, is_skewed) = read_jwt(*taken_apart, profile, sent, now)?;
            Ok((grant, if is_skewed { vec![Warning::ClockSkew] } else { Vec::new() }))
        }
        (Kind::Code, Answer::Object(fields)) => {
            let mut reader = Reader::new(*fields);
            reader.text("ssoKey");
            reader.text("redirect_uri");
            reader.done((code(sent), Vec::new()))
        }
        (Kind::Code, Answer::Text(text)) if !text.is_empty() => Ok((code(sent), Vec::new())),
        // Whoever signs JWTs and issues codes knows whether anybody is signed in; a chat of LiveChat's needs nobody.
        (Kind::Jwt(_) | Kind::Code, Answer::Null) => Err(Failure::nobody_signed_in()),
        (kind, answer) => {
            let found = match answer {
                Answer::Other(found) => found,
                Answer::Null => "null",
                Answer::Text("") => "an empty string",
                _ => "a string",
            };
            let expected = match kind {
                Kind::Token(_) => "an object with access_token or accessToken",
                Kind::Jwt(_) => "a JWT",
                Kind::Code => "a code, or an object with ssoKey and redirect_uri",
            };
            Err(Failure::bad_answer("", found, expected))
        }
    }
}

/// A code is over as soon as it is handed on.
fn code(sent: Moment) -> Grant {
    Grant { credential: Credential::Code, lifetime: Lifetime::since_sent(sent, 0) }
}

fn read_token(
    fields: &dyn Fields,
    account: &Account,
    sent: Moment,
    now: Moment,
) -> Result<(Grant, Vec<Warning>), Failure> {
    let is_finished = !matches!(fields.field(FINISHED), Value::Missing);
    let names = if is_finished { &FINISHED_NAMES } else { &RAW };
    let mut reader = Reader::new(fields);
    let mut token = read_fields(&mut reader, names);
    BEARER.clone_into(&mut token.token_type);

    let (lifetime, is_skewed) = match names.creation_date {
        Some(name) => Lifetime::since_creation(reader.creation_date(name), token.expires_in, sent, now),
        None => (Lifetime::since_sent(sent, token.expires_in), false),
    };
    token.creation_date = lifetime.created;
    let mut warnings = Vec::new();
    if is_finished && token.expires_in < SHORT_LIFETIME {
        warnings.push(Warning::ShortLifetime);
    }
    if is_skewed {
        warnings.push(Warning::ClockSkew);
    }
    // A token for another account than the page's is not accepted.
    for (field, is_another) in [
        (names.license_id, differs(&account.license_id, &token.license_id)),
        (names.organization_id, differs(&account.organization_id, &token.organization_id)),
    ] {
        if is_another {
            reader.unexpected(field, "another account's", "the one given in the options");
        }
    }
    token.license_id = token.license_id.or(account.license_id);
    if token.organization_id.is_none() {
        token.organization_id.clone_from(&account.organization_id);
    }
    reader.done((Grant { credential: Credential::Token(token), lifetime }, warnings))
}

fn differs<T: PartialEq>(option: &Option<T>, answered: &Option<T>) -> bool {
    matches!((option, answered), (Some(option), Some(answered)) if option != answered)
}

/// A token by the names of its form, except for when it was created; its type as it is.
pub(super) fn read_fields(reader: &mut Reader<'_>, names: &FieldNames) -> Token {
    Token {
        access_token: reader.text(names.access_token),
        entity_id: reader.text(names.entity_id),
        expires_in: reader.lifetime(names.expires_in, names.unit),
        token_type: {
            let token_type = reader.text(names.token_type);
            if !token_type.eq_ignore_ascii_case(BEARER) {
                reader.unexpected(names.token_type, "another string", "\"Bearer\"");
            }
            token_type
        },
        creation_date: 0,
        license_id: reader.license(names.license_id),
        organization_id: match reader.field(names.organization_id) {
            Value::Missing | Value::Null => None,
            _ => Some(reader.text(names.organization_id)),
        },
    }
}
