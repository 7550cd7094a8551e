//! What Live Assist needs: a token with the contact's GUID and name, or a code that its service exchanges for one.

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, StatusCode},
    response::Response,
    routing::post,
};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    admission::Admission,
    authorization_code::{self, AuthorizationCodes},
    customer::CustomerId,
    customer_records::{CustomerRecord, stored_record},
    customer_store::CustomerStore,
    http::{
        answer::{Outcome, answered},
        problem::{Problem, method_not_allowed},
        request_body::{BodyLimits, read_body, read_json},
        token_answer::token_answer,
    },
    json_web_encryption::EncryptionKey,
    proof_key::CodeChallenge,
    signing_keys::{Signer, SigningError},
};

/// What a site sets for Live Assist.
#[derive(Clone)]
pub struct LiveAssistSettings {
    /// How long a token lives, in whole seconds.
    pub token_lifetime: Duration,
    /// Live Assist's public key, for encrypted tokens.
    pub encryption: Option<EncryptionKey>,
    /// The code flow, when it is used.
    pub code_flow: Option<CodeFlowSettings>,
}

/// What a site sets for the code flow.
#[derive(Clone)]
pub struct CodeFlowSettings {
    /// Under which id Live Assist's service redeems codes.
    pub client_id: String,
    /// With which secret.
    pub client_secret: SecretString,
    /// The redirection URIs that a page may name; the first one is taken when it names none.
    pub redirect_uris: Vec<String>,
    /// How long a code lives.
    pub code_lifetime: Duration,
}

/// What the endpoints work with.
pub struct LiveAssist {
    /// Who is let in.
    pub admission: Admission,
    /// How much of a body is read.
    pub body_limits: BodyLimits,
    /// Where the records are.
    pub store: CustomerStore,
    /// What signs.
    pub signer: Signer,
    /// How long a token lives.
    pub token_lifetime: Duration,
    /// Live Assist's public key.
    pub encryption: Option<EncryptionKey>,
    /// The code flow.
    pub codes: Option<AuthorizationCodes>,
}

impl LiveAssist {
    /// The routes.
    pub fn routes(self) -> Router {
        let origins = self.admission.origins.cross_origin_layer();
        let code_flow = self.codes.is_some();
        let mut pages = Router::new().route("/live-assist/token", post(token));
        let mut services = Router::new();
        if code_flow {
            pages = pages.route("/live-assist/code", post(code));
            services = services.route("/live-assist/oauth/token", post(authorization_code::redeem));
        }
        let pages = pages.method_not_allowed_fallback(method_not_allowed).layer(origins);
        services.method_not_allowed_fallback(method_not_allowed).merge(pages).with_state(Arc::new(self))
    }

    /// The customer's record, which has to name a contact.
    async fn contact(&self, customer: &CustomerId) -> Result<(String, CustomerRecord), Problem> {
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

    fn claims(&self, contact: &str, record: CustomerRecord, audience: Option<&str>) -> Map<String, Value> {
        let mut claims = self.signer.claims(contact, self.token_lifetime);
        let attributes = record.lp_sdes.map(Value::from);
        let names = [("given_name", record.given_name), ("family_name", record.family_name)];
        let names = names.map(|(claim, name)| (claim, name.map(Value::from)));
        let audience = ("aud", audience.map(Value::from));
        for (claim, value) in names.into_iter().chain([("lp_sdes", attributes), audience]) {
            claims.extend(value.map(|value| (claim.to_owned(), value)));
        }
        claims
    }

    fn sign(&self, claims: &Map<String, Value>) -> Result<String, SigningError> {
        let token = self.signer.sign(claims)?;
        match &self.encryption {
            Some(key) => key.encrypt(&token, claims),
            None => Ok(token),
        }
    }
}

async fn token(State(live_assist): State<Arc<LiveAssist>>, request: Request<Body>) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let customer = live_assist.admission.customer(&parts.headers).await?;
    read_body(&parts.headers, body, live_assist.body_limits).await?;
    Ok(token_answer(&parts.headers, live_assist.token(&customer, None).await?))
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct CodeRequest {
    redirect_uri: Option<String>,
    code_challenge: Option<String>,
}

/// A body is optional here, so nothing at all is as good as an empty object.
async fn read_code_request(headers: &HeaderMap, body: Body, limits: BodyLimits) -> Result<CodeRequest, Problem> {
    let bytes: Bytes = read_body(headers, body, limits).await?;
    if bytes.is_empty() {
        return Ok(CodeRequest::default());
    }
    let expected =
        r#"{"redirect_uri"?: "<one of the configured ones>", "code_challenge"?: "<43 characters of base64url>"}"#;
    read_json(headers, Body::from(bytes), limits, expected).await
}

async fn code(State(live_assist): State<Arc<LiveAssist>>, request: Request<Body>) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let customer = live_assist.admission.customer(&parts.headers).await?;
    let asked = read_code_request(&parts.headers, body, live_assist.body_limits).await?;
    let challenge = asked.code_challenge.as_deref().map(CodeChallenge::read).transpose()?;
    let Some(codes) = &live_assist.codes else { return Err(crate::http::problem::not_found().await) };
    let redirect_uri = codes.redirect_uri(asked.redirect_uri.as_deref()).ok_or_else(|| {
        let detail = "redirect_uri has to be one of the setting live-assist-redirect-uri.";
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_redirect_uri", detail)
    })?;
    // A code without a contact would fail only at Live Assist, where nobody sees why.
    live_assist.contact(&customer).await?;
    let code = codes.issue(&live_assist.store, customer, redirect_uri, challenge.as_ref()).await?;
    Ok(answered(Json(json!({ "ssoKey": code, "redirect_uri": redirect_uri })), Outcome::Issued))
}
