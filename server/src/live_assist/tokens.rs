//! A token for Live Assist: the contact's GUID and name, signed, and encrypted where Live Assist's key is known.

use std::{sync::Arc, time::Duration};

use axum::http::StatusCode;
use serde::Serialize;
use serde_json::value::RawValue;

use super::json_web_encryption::EncryptionKey;
use crate::{
    customer::CustomerId,
    customer_records::{CustomerRecord, PersonClaims, known::CustomerRecords},
    http::problem::Problem,
    signing_keys::{RegisteredClaims, Signer, SigningError},
};

/// What makes the tokens.
pub struct ContactTokens {
    /// The customers' records.
    pub records: CustomerRecords,
    /// What signs.
    pub signer: Signer,
    /// How long a token lives.
    pub lifetime: Duration,
    /// The claims of records that go into tokens besides those that every record may have.
    pub further_claims: Arc<[String]>,
    /// Live Assist's public key.
    pub encryption: Option<EncryptionKey>,
}

/// The claims; LivePerson's attributes are those of the record, letter by letter.
#[derive(Serialize)]
struct ContactClaims<'a> {
    #[serde(flatten)]
    registered: RegisteredClaims<'a>,
    #[serde(flatten)]
    person: PersonClaims<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lp_sdes: Option<&'a [Box<RawValue>]>,
}

impl ContactTokens {
    /// The customer's record, which has to name a contact.
    async fn record(&self, customer: &CustomerId) -> Result<Arc<CustomerRecord>, Problem> {
        let record = self.records.record(customer).await?.filter(|record| record.contact_id.is_some());
        record.ok_or_else(|| {
            let detail = "Live Assist needs the customer's contact in the CRM, and none is known here.";
            Problem::new(StatusCode::FORBIDDEN, "no_contact", detail)
        })
    }

    /// Whether the customer has a contact; the problem says that it has not.
    pub async fn check_contact(&self, customer: &CustomerId) -> Result<(), Problem> {
        self.record(customer).await.map(drop)
    }

    /// A token for the customer: signed, and encrypted when Live Assist's key is known.
    pub async fn token(&self, customer: &CustomerId, audience: Option<&str>) -> Result<String, Problem> {
        let record = self.record(customer).await?;
        Ok(self.sign(&record, audience)?)
    }

    fn sign(&self, record: &CustomerRecord, audience: Option<&str>) -> Result<String, SigningError> {
        let contact = record.contact_id.as_deref().unwrap_or_default();
        let registered = RegisteredClaims { aud: audience, ..self.signer.claims(contact, self.lifetime) };
        let (issued, expires) = (registered.iat, registered.exp);
        let person = record.person(&self.further_claims);
        let token = self.signer.sign(&ContactClaims { registered, person, lp_sdes: record.lp_sdes.as_deref() })?;
        match &self.encryption {
            Some(key) => key.encrypt(&token, issued, expires),
            None => Ok(token),
        }
    }
}
