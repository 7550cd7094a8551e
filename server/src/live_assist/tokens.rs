//! A token for Live Assist: the contact's GUID and name, signed, and encrypted where Live Assist's key is known.

use std::time::Duration;

use axum::http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value, value::RawValue};

use super::json_web_encryption::EncryptionKey;
use crate::{
    customer::CustomerId,
    customer_records::{CustomerRecord, stored_record},
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
    /// Live Assist's public key.
    pub encryption: Option<EncryptionKey>,
}

/// The claims; LivePerson's attributes are those of the record, letter by letter.
#[derive(Serialize)]
struct ContactClaims {
    #[serde(flatten)]
    plain: Map<String, Value>,
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
        let names = [("given_name", record.given_name), ("family_name", record.family_name)];
        let names = names.map(|(claim, name)| (claim, name.map(Value::from)));
        let audience = ("aud", audience.map(Value::from));
        for (claim, value) in names.into_iter().chain([audience]) {
            claims.extend(value.map(|value| (claim.to_owned(), value)));
        }
        ContactClaims { plain: claims, lp_sdes: record.lp_sdes }
    }

    fn sign(&self, claims: &ContactClaims) -> Result<String, SigningError> {
        let token = self.signer.sign(claims)?;
        match &self.encryption {
            Some(key) => key.encrypt(&token, &claims.plain),
            None => Ok(token),
        }
    }
}
