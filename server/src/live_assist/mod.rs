//! What Live Assist needs: a token with the contact's GUID and name, or a code that its service exchanges for one.

pub mod codes;
pub mod json_web_encryption;
mod token_endpoint;
pub mod tokens;

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, StatusCode},
    response::Response,
    routing::post,
};
use serde::Deserialize;
use serde_json::json;

use crate::{
    admission::Admission,
    http::{
        answer::{Outcome, answered},
        problem::{Problem, method_not_allowed},
        request_body::{BodyLimits, read_body, read_json},
        token_answer::token_answer,
    },
    proof_key::CodeChallenge,
};
use codes::{AuthorizationCodes, CodeFlowSettings};
use json_web_encryption::EncryptionKey;
use token_endpoint::TokenEndpoint;
use tokens::ContactTokens;

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

/// What the endpoints work with.
pub struct LiveAssist {
    /// Who is let in.
    pub admission: Admission,
    /// How much of a body is read.
    pub body_limits: BodyLimits,
    /// What makes the tokens.
    pub tokens: ContactTokens,
    /// The code flow.
    pub codes: Option<AuthorizationCodes>,
}

/// What the endpoints for pages share.
struct Desk {
    admission: Admission,
    body_limits: BodyLimits,
    tokens: Arc<ContactTokens>,
}

/// The same, where codes are issued.
#[derive(Clone)]
struct CodeDesk {
    desk: Arc<Desk>,
    codes: Arc<AuthorizationCodes>,
}

impl LiveAssist {
    /// The routes.
    pub fn routes(self) -> Router {
        let Self { admission, body_limits, tokens, codes } = self;
        let origins = admission.origins.cross_origin_layer();
        let tokens = Arc::new(tokens);
        let desk = Arc::new(Desk { admission, body_limits, tokens: Arc::clone(&tokens) });
        let mut pages = Router::new().route("/live-assist/token", post(token)).with_state(Arc::clone(&desk));
        let mut services = Router::new();
        if let Some(codes) = codes.map(Arc::new) {
            services = TokenEndpoint { tokens, codes: Arc::clone(&codes), body_limits }.routes();
            let issuing = Router::new().route("/live-assist/code", post(code)).with_state(CodeDesk { desk, codes });
            pages = pages.merge(issuing);
        }
        // Before the layer: a preflight is answered by it, not by this.
        services.merge(pages.method_not_allowed_fallback(method_not_allowed).layer(origins))
    }
}

async fn token(State(desk): State<Arc<Desk>>, request: Request<Body>) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let customer = desk.admission.customer(&parts.headers).await?;
    read_body(&parts.headers, body, desk.body_limits).await?;
    Ok(token_answer(&parts.headers, desk.tokens.token(&customer, None).await?))
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct AuthorizationCodeRequest {
    redirect_uri: Option<String>,
    code_challenge: Option<String>,
}

/// A body is optional here, so nothing at all is as good as an empty object.
async fn read_authorization_code_request(
    headers: &HeaderMap,
    body: Body,
    limits: BodyLimits,
) -> Result<AuthorizationCodeRequest, Problem> {
    let bytes: Bytes = read_body(headers, body, limits).await?;
    if bytes.is_empty() {
        return Ok(AuthorizationCodeRequest::default());
    }
    let expected =
        r#"{"redirect_uri"?: "<one of the configured ones>", "code_challenge"?: "<43 characters of base64url>"}"#;
    read_json(headers, Body::from(bytes), limits, expected).await
}

async fn code(State(CodeDesk { desk, codes }): State<CodeDesk>, request: Request<Body>) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let customer = desk.admission.customer(&parts.headers).await?;
    let asked = read_authorization_code_request(&parts.headers, body, desk.body_limits).await?;
    let challenge = asked.code_challenge.as_deref().map(CodeChallenge::read).transpose()?;
    let redirect_uri = codes.redirect_uri(asked.redirect_uri.as_deref()).ok_or_else(|| {
        let detail = "redirect_uri has to be one of the setting live-assist-redirect-uri.";
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_redirect_uri", detail)
    })?;
    // A code without a contact would fail only at Live Assist, where nobody sees why.
    desk.tokens.check_contact(&customer).await?;
    let code = codes.issue(customer, redirect_uri, challenge.as_ref()).await?;
    Ok(answered(Json(json!({ "ssoKey": code, "redirect_uri": redirect_uri })), Outcome::Issued))
}
