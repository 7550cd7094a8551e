//! What the site tells about a customer: the CRM's contact, the name, and what agents may see.

pub mod known;

use std::{collections::BTreeMap, fmt};

use axum::http::StatusCode;
use serde::Serialize;
use serde_json::{Value, value::RawValue};

use crate::{customer::CustomerId, customer_store::CustomerStore, http::problem::Problem};

/// The types of attributes that LivePerson knows.
const ATTRIBUTE_TYPES: [&str; 10] =
    ["cart", "ctmrinfo", "error", "lead", "mrktInfo", "personal", "prodView", "purchase", "searchInfo", "service"];
const LONGEST_NAME: usize = 256;
/// Whoever reads the token could not read them either.
const UNREADABLE: &str =
    "numbers below 1.8e308, lists and objects within each other at most 100 times, and whole characters";
/// RFC 5321, section 4.5.3.1.3, without the brackets.
const LONGEST_EMAIL: usize = 254;
/// The members that every record may have.
pub const MEMBERS: [&str; 8] = [
    "contact_id",
    "given_name",
    "family_name",
    "email",
    "phone_number",
    "preferred_username",
    "lwicontexts",
    "lp_sdes",
];
/// What tokens, and the answers that show a record, have of the service itself.
pub const OWN_CLAIMS: [&str; 8] = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "entity_id"];

/// A member of a record that is not what it has to be. It never shows a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordError {
    /// The member, for example `lwicontexts.msdyn_cartvalue`.
    pub member: String,
    /// What belongs there.
    pub expected: String,
}

impl fmt::Display for RecordError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: expected {}", self.member, self.expected)
    }
}

fn wrong(member: impl Into<String>, expected: impl Into<String>) -> RecordError {
    RecordError { member: member.into(), expected: expected.into() }
}

/// The members of a JSON object, each as the text that it was sent as: a number may be one that no float holds.
pub type Members = BTreeMap<String, Box<RawValue>>;

/// A checked record. It has no `Debug`: it belongs in no log.
#[derive(Clone, Default, Serialize)]
pub struct CustomerRecord {
    /// The GUID of the contact in the CRM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact_id: Option<String>,
    /// The first name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_name: Option<String>,
    /// The family name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family_name: Option<String>,
    /// The address of e-mail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The telephone's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    /// By what the person wants to be called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_username: Option<String>,
    /// Further claims, which the site has named.
    #[serde(flatten)]
    pub further: Members,
    /// Omnichannel's context variables: strings, numbers, booleans and null.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lwicontexts: Option<Members>,
    /// LivePerson's attributes, passed on as they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lp_sdes: Option<Vec<Box<RawValue>>>,
}

/// Claims of a person, as OpenID Connect names them (Core 1.0, section 5.1), and further ones.
#[derive(Serialize)]
pub struct PersonClaims<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    given_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    family_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone_number: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    preferred_username: Option<&'a str>,
    #[serde(flatten)]
    further: BTreeMap<&'a str, &'a RawValue>,
}

impl CustomerRecord {
    /// Checks every member but the further claims.
    pub fn check(members: Members) -> Result<Self, RecordError> {
        let mut record = Self::default();
        for (member, text) in members {
            let value = serde_json::from_str(text.get()).map_err(|_| wrong(&member, UNREADABLE))?;
            match member.as_str() {
                "contact_id" => record.contact_id = Some(contact(&value)?),
                "given_name" => record.given_name = Some(name(&member, &value)?),
                "family_name" => record.family_name = Some(name(&member, &value)?),
                "email" => record.email = Some(email(&value)?),
                "phone_number" => record.phone_number = Some(name(&member, &value)?),
                "preferred_username" => record.preferred_username = Some(name(&member, &value)?),
                "lwicontexts" => record.lwicontexts = Some(contexts(&text, &value)?),
                "lp_sdes" => record.lp_sdes = Some(attributes(&text, &value)?),
                _ => drop(record.further.insert(member, text)),
            }
        }
        Ok(record)
    }

    /// Checks that every further claim is one that the site has named.
    pub fn check_claims(&self, named: &[String]) -> Result<(), RecordError> {
        match self.further.keys().find(|claim| !named.contains(claim)) {
            None => Ok(()),
            Some(claim) => {
                let known = format!("only {} and the claims that the setting record-claim names", MEMBERS.join(", "));
                Err(wrong(claim, known))
            }
        }
    }

    /// What a token tells of the person: of the further claims those that are named, also when more are stored.
    pub fn person(&self, named: &[String]) -> PersonClaims<'_> {
        let further = self.further.iter().filter(|(claim, _)| named.contains(claim));
        PersonClaims {
            given_name: self.given_name.as_deref(),
            family_name: self.family_name.as_deref(),
            email: self.email.as_deref(),
            phone_number: self.phone_number.as_deref(),
            preferred_username: self.preferred_username.as_deref(),
            further: further.map(|(claim, value)| (claim.as_str(), &**value)).collect(),
        }
    }

    /// Checks that every context variable is one that the workstream has; an empty list allows any.
    pub fn check_contexts(&self, allowed: &[String]) -> Result<(), RecordError> {
        let foreign = |name: &&String| !allowed.is_empty() && !allowed.contains(name);
        match self.lwicontexts.iter().flat_map(BTreeMap::keys).find(foreign) {
            None => Ok(()),
            Some(name) => {
                let expected = "one of the context variables that the setting omnichannel-context-variable names";
                Err(wrong(format!("lwicontexts.{name}"), expected))
            }
        }
    }
}

fn contact(value: &Value) -> Result<String, RecordError> {
    let guid = |text: &&str| {
        let parts: Vec<&str> = text.split('-').collect();
        parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12])
            && parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    let expected = || wrong("contact_id", "a GUID like 87b4d06c-abc2-e811-a9b0-000d3a10e09e");
    value.as_str().filter(guid).map(str::to_owned).ok_or_else(expected)
}

fn name(member: &str, value: &Value) -> Result<String, RecordError> {
    let fits = |text: &&str| (1..=LONGEST_NAME).contains(&text.len()) && !text.chars().any(char::is_control);
    let expected = || wrong(member, format!("text of 1 to {LONGEST_NAME} bytes"));
    value.as_str().filter(fits).map(str::to_owned).ok_or_else(expected)
}

fn email(value: &Value) -> Result<String, RecordError> {
    let fits = |text: &&str| {
        let parts = text.rsplit_once('@').is_some_and(|(mailbox, host)| !mailbox.is_empty() && !host.is_empty());
        parts
            && text.len() <= LONGEST_EMAIL
            && !text.chars().any(|character| character.is_control() || character == ' ')
    };
    value.as_str().filter(fits).map(str::to_owned).ok_or_else(|| wrong("email", "an address like ada@shop.example"))
}

fn contexts(text: &RawValue, value: &Value) -> Result<Members, RecordError> {
    let not_an_object = || wrong("lwicontexts", "an object of context variables");
    let variables = value.as_object().ok_or_else(not_an_object)?;
    match variables.iter().find(|(name, value)| name.is_empty() || value.is_object() || value.is_array()) {
        None => serde_json::from_str(text.get()).map_err(|_| not_an_object()),
        Some((name, _)) if name.is_empty() => Err(wrong("lwicontexts", "a name for every context variable")),
        Some((name, _)) => Err(wrong(format!("lwicontexts.{name}"), "a string, a number, a boolean or null")),
    }
}

fn attributes(text: &RawValue, value: &Value) -> Result<Vec<Box<RawValue>>, RecordError> {
    let no_list = || wrong("lp_sdes", "a list of objects with a type");
    let attributes = value.as_array().ok_or_else(no_list)?;
    let known = |attribute: &Value| {
        attribute.get("type").and_then(Value::as_str).is_some_and(|kind| ATTRIBUTE_TYPES.contains(&kind))
    };
    match attributes.iter().position(|attribute| !known(attribute)) {
        None => serde_json::from_str(text.get()).map_err(|_| no_list()),
        Some(position) => {
            let expected = format!("an object whose type is one of {}", ATTRIBUTE_TYPES.join(", "));
            Err(wrong(format!("lp_sdes[{position}]"), expected))
        }
    }
}

/// The answer when what is stored cannot be signed. The key's name is not logged with whose it is.
pub fn record_damaged(error: &RecordError) -> Problem {
    tracing::error!(%error, "a stored customer record cannot be used; it has to be put anew");
    let detail = format!("The customer's stored record cannot be used and has to be put anew: {error}.");
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "record_damaged", detail)
}

/// A stored record, checked again: nothing that is wrong gets signed, whoever wrote it.
pub fn read_record(text: &str) -> Result<CustomerRecord, Problem> {
    let members = serde_json::from_str(text).map_err(|_| wrong("record", "a JSON object"));
    members.and_then(CustomerRecord::check).map_err(|error| record_damaged(&error))
}

/// The customer's record as it stands in the store at this moment.
pub async fn stored_record(store: &CustomerStore, customer: &CustomerId) -> Result<Option<CustomerRecord>, Problem> {
    store.record(customer).await?.map(|text| read_record(&text)).transpose()
}
