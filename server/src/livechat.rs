//! What LiveChat's widget needs: tokens for the customer's entity, and codes to transfer the identity.

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, header},
    response::Response,
    routing::post,
};
use custom_identity_provider::core::RawToken;
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Map, json};

use crate::{
    admission::Admission,
    answer::answered,
    customer_tokens::CustomerTokens,
    problem::{Problem, method_not_allowed},
    proof_key::CodeChallenge,
    request_body::{BodyLimits, read_body, read_json},
};

/// What the endpoints work with.
pub struct LiveChat {
    /// Who is let in.
    pub admission: Admission,
    /// How much of a body is read.
    pub body_limits: BodyLimits,
    /// The tokens of all customers.
    pub tokens: CustomerTokens,
}

impl LiveChat {
    /// The routes.
    pub fn routes(self) -> Router {
        let origins = self.admission.origins.cross_origin_layer();
        Router::new()
            .route("/livechat/token", post(token))
            .route("/livechat/transfer", post(transfer))
            // Before the layer: a preflight is answered by it, not by this.
            .method_not_allowed_fallback(method_not_allowed)
            .layer(origins)
            .with_state(Arc::new(self))
    }
}

/// `Cache-Control: no-cache`, as a browser sends it for `cache: "reload"`: the page wants a token younger than ours.
fn wants_fresh(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::CACHE_CONTROL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(','))
        .any(|directive| directive.trim().eq_ignore_ascii_case("no-cache"))
}

async fn token(State(livechat): State<Arc<LiveChat>>, request: Request<Body>) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let customer = livechat.admission.customer(&parts.headers).await?;
    // Nothing in the body is needed, but it is read, so that the connection can be used again.
    read_body(&parts.headers, body, livechat.body_limits).await?;
    let (token, outcome) = livechat.tokens.token(&customer, wants_fresh(&parts.headers)).await?;
    let account = livechat.tokens.accounts().account();
    let raw = RawToken {
        access_token: token.access_token.expose_secret(),
        entity_id: token.entity.as_str(),
        expires_in: token.expires_in,
        token_type: "Bearer",
        organization_id: account.organization_id(),
        license_id: account.license_id(),
    };
    Ok(answered(Json(raw), outcome))
}

#[derive(Deserialize)]
struct TransferRequest {
    code_challenge: String,
}

async fn transfer(State(livechat): State<Arc<LiveChat>>, request: Request<Body>) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let customer = livechat.admission.customer(&parts.headers).await?;
    let expected = r#"{"code_challenge": "<43 characters of base64url>"}"#;
    let body: TransferRequest = read_json(&parts.headers, body, livechat.body_limits, expected).await?;
    let challenge = CodeChallenge::read(&body.code_challenge)?;
    let (transfer, outcome) = livechat.tokens.transfer(&customer, &challenge).await?;
    let mut members = Map::new();
    let code = transfer.identity_transfer_token.expose_secret();
    members.insert("identity_transfer_token".to_owned(), json!(code));
    members.insert("expires_in".to_owned(), json!(transfer.expires_in));
    Ok(answered(Json(members), outcome))
}
