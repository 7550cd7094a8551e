//! A token for Live Assist: the contact's GUID and name, signed, and encrypted where Live Assist's key is known.

use std::{sync::Arc, time::Duration};

use axum::http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value, value::RawValue};

use super::json_web_encryption::EncryptionKey;
use crate::{
    customer::CustomerId,
    customer_records::{CustomerRecord, PersonClaims, stored_record},
    customer_store::CustomerStore,
    http::problem::Problem,
    signing_keys::{Signer, SigningError},
};

/// What makes the tokens.
pub struct ContactTokens {
    /// Where the records are.
    pub store: CustomerStore,
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
struct ContactClaims {
    #[serde(flatten)]
    plain: Map<String, Value>,
    #[serde(flatten)]
    person: PersonClaims,
    #[serde(skip_serializing_if = "Option::is_none")]
    lp_sdes: Option<Vec<Box<RawValue>>>,
}

impl ContactTokens {
    /// The customer's record, which has to name a contact.
    pub async fn contact(&self, customer: &CustomerId) -> Result<(String, CustomerRecord), Problem> {
        let record = stored_record(&self.store, customer).await?.unwrap_or_default();
        let contact = record.contact_id.clone().ok_or_else(|| {
            let detail = "Live Assist needs the customer's contact in the CRM, and none is known here.";
            Problem::new(StatusCode::FORBIDDEN, "no_contact", detail)
        })?;
        Ok((contact, record))
    }

    /// A token for the customer: signed, and encrypted when Live Assist's key is known.
    pub async fn token(&self, customer: &CustomerId, audience: Option<&str>) -> Result<String, Problem> {
        let (contact, record) = self.contact(customer).await?;
        Ok(self.sign(&self.claims(&contact, record, audience))?)
    }

    fn claims(&self, contact: &str, record: CustomerRecord, audience: Option<&str>) -> ContactClaims {
        let mut claims = self.signer.claims(contact, self.lifetime);
        claims.extend(audience.map(|audience| ("aud".to_owned(), Value::from(audience))));
        ContactClaims { plain: claims, person: record.person(&self.further_claims), lp_sdes: record.lp_sdes }
    }

    fn sign(&self, claims: &ContactClaims) -> Result<String, SigningError> {
        let token = self.signer.sign(claims)?;
        match &self.encryption {
            Some(key) => key.encrypt(&token, &claims.plain),
            None => Ok(token),
        }
    }
}
