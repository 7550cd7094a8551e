//! What Microsoft Omnichannel needs: a token with the customer's context variables, and its own list of keys.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::Response,
    routing::post,
};
use serde::Serialize;

use crate::{
    admission::Admission,
    customer_records::{PersonClaims, known::CustomerRecords, record_damaged},
    http::{
        problem::{Problem, method_not_allowed},
        request_body::{BodyLimits, read_body},
        token_answer::token_answer,
    },
    signing_keys::{RegisteredClaims, Signer, SigningError},
};

/// `nbf` lies this far in the past, in seconds: a verifier whose clock is behind takes the token at once.
const NOT_BEFORE_SLACK: u64 = 30;

/// What a site sets for Omnichannel.
#[derive(Debug, Clone)]
pub struct OmnichannelSettings {
    /// How long a token lives, in whole seconds.
    pub token_lifetime: Duration,
    /// The context variables of the workstream; none allow any.
    pub context_variables: Arc<[String]>,
}

/// What the endpoint works with.
pub struct Omnichannel {
    /// Who is let in.
    pub admission: Admission,
    /// How much of a body is read.
    pub body_limits: BodyLimits,
    /// The customers' records.
    pub records: CustomerRecords,
    /// What signs.
    pub signer: Signer,
    /// What the site sets.
    pub settings: OmnichannelSettings,
    /// The claims of records that go into tokens besides those that every record may have.
    pub further_claims: Arc<[String]>,
}

/// The claims; those of the person are the record's, letter by letter.
#[derive(Serialize)]
struct OmnichannelClaims<'a> {
    #[serde(flatten)]
    registered: RegisteredClaims<'a>,
    #[serde(flatten)]
    person: PersonClaims<'a>,
    /// Text within text: the document wants the serialised context, not the object.
    #[serde(skip_serializing_if = "Option::is_none")]
    lwicontexts: Option<String>,
}

impl Omnichannel {
    /// The routes.
    pub fn routes(self) -> Router {
        let origins = self.admission.origins.cross_origin_layer();
        Router::new()
            .route("/omnichannel/token", post(token))
            .method_not_allowed_fallback(method_not_allowed)
            .layer(origins)
            .with_state(Arc::new(self))
    }
}

async fn token(State(omnichannel): State<Arc<Omnichannel>>, request: Request<Body>) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let customer = omnichannel.admission.customer(&parts.headers).await?;
    read_body(&parts.headers, body, omnichannel.body_limits).await?;
    let record = omnichannel.records.record(&customer).await?.unwrap_or_default();
    let settings = &omnichannel.settings;
    // The setting may have changed since the record was put.
    record.check_contexts(&settings.context_variables).map_err(|error| record_damaged(&error))?;
    let subject = record.contact_id.as_deref().unwrap_or(customer.as_str());
    let mut registered = omnichannel.signer.claims(subject, settings.token_lifetime);
    registered.nbf = Some(registered.iat.saturating_sub(NOT_BEFORE_SLACK));
    let variables = record.lwicontexts.as_ref().map(serde_json::to_string).transpose();
    let lwicontexts = variables.map_err(|_| SigningError::Library)?;
    let person = record.person(&omnichannel.further_claims);
    let claims = OmnichannelClaims { registered, person, lwicontexts };
    Ok(token_answer(&parts.headers, omnichannel.signer.sign(&claims)?))
}
