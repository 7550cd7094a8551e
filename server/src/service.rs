//! The service's routes.

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use custom_identity_provider::core::RawToken;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::{Map, json};

use crate::{
    accounts::Accounts,
    admission::Admission,
    clock::Clock,
    configuration::Configuration,
    customer_store::{CustomerStore, StoreError},
    customer_tokens::CustomerTokens,
    problem::{Problem, method_not_allowed, not_found},
    proof_key::CodeChallenge,
    request_body::{BodyLimits, read_body, read_json},
    request_log::{Outcome, log_request},
};

/// Why the service could not be made.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The customer store.
    #[error("database-url: expected a SQLite file that can be opened and written: {0}")]
    Store(#[from] StoreError),
    /// The client of accounts.
    #[error("the HTTPS client could not be made (are CA certificates installed?): {0}")]
    Http(#[from] reqwest::Error),
}

struct Shared {
    admission: Admission,
    tokens: CustomerTokens,
    body_limits: BodyLimits,
}

/// The identity service.
#[derive(Clone)]
pub struct IdentityService(Arc<Shared>);

impl IdentityService {
    /// Opens the database and gets ready; nothing is asked of accounts yet.
    pub async fn new(configuration: Configuration, clock: Clock) -> Result<Self, StartError> {
        let accounts = Accounts::new(configuration.accounts)?;
        let store = CustomerStore::connect(&configuration.database_url, accounts.account().name()).await?;
        let tokens = CustomerTokens::new(accounts, store, clock, configuration.tokens);
        Ok(Self(Arc::new(Shared {
            admission: configuration.admission,
            tokens,
            body_limits: configuration.body_limits,
        })))
    }

    /// The routes alone, to be merged into a site's own router.
    pub fn routes(&self) -> Router {
        let livechat = Router::new()
            .route("/livechat/token", post(token))
            .route("/livechat/transfer", post(transfer))
            // Before the layer: a preflight is answered by it, not by this.
            .method_not_allowed_fallback(method_not_allowed)
            .layer(self.0.admission.origins.cross_origin_layer());
        Router::new()
            .merge(livechat)
            .route("/healthz", get(health))
            .method_not_allowed_fallback(method_not_allowed)
            .with_state(self.clone())
    }

    /// The whole service: its routes, 404 for everything else, and a log line for each request.
    pub fn router(&self) -> Router {
        self.routes().fallback(not_found).layer(middleware::from_fn(log_request))
    }

    /// Waits until every request to accounts has ended: one that creates a customer must not be lost.
    pub async fn finish(&self) {
        self.0.tokens.finish().await;
        self.0.tokens.store().close().await;
    }
}

fn answer(body: impl Serialize, outcome: Outcome) -> Response {
    let mut response = Json(body).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.extensions_mut().insert(outcome);
    response
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

async fn token(State(service): State<IdentityService>, request: Request<Body>) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let shared = &service.0;
    let customer = shared.admission.customer(&parts.headers).await?;
    // Nothing in the body is needed, but it is read, so that the connection can be used again.
    read_body(&parts.headers, body, shared.body_limits).await?;
    let (token, outcome) = shared.tokens.token(&customer, wants_fresh(&parts.headers)).await?;
    let account = shared.tokens.accounts().account();
    let raw = RawToken {
        access_token: token.access_token.expose_secret(),
        entity_id: token.entity.as_str(),
        expires_in: token.expires_in,
        token_type: "Bearer",
        organization_id: account.organization_id(),
        license_id: account.license_id(),
    };
    Ok(answer(raw, outcome))
}

#[derive(Deserialize)]
struct TransferRequest {
    code_challenge: String,
}

async fn transfer(State(service): State<IdentityService>, request: Request<Body>) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let shared = &service.0;
    let customer = shared.admission.customer(&parts.headers).await?;
    let expected = r#"{"code_challenge": "<43 characters of base64url>"}"#;
    let body: TransferRequest = read_json(&parts.headers, body, shared.body_limits, expected).await?;
    let challenge = CodeChallenge::parse(&body.code_challenge).ok_or_else(|| {
        let detail = "code_challenge has to be 43 characters of base64url: the SHA-256 hash of the code verifier.";
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_code_challenge", detail)
    })?;
    let (transfer, outcome) = shared.tokens.transfer(&customer, &challenge).await?;
    let mut members = Map::new();
    let code = transfer.identity_transfer_token.expose_secret();
    members.insert("identity_transfer_token".to_owned(), json!(code));
    members.insert("expires_in".to_owned(), json!(transfer.expires_in));
    Ok(answer(members, outcome))
}

async fn health(State(service): State<IdentityService>) -> Result<Response, Problem> {
    service.0.tokens.store().check().await.map_err(|error| {
        tracing::error!(%error, "the health check failed");
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "store_unavailable", "The customer store is not available.")
            .with_retry_after(5)
    })?;
    let mut response = Json(json!({ "status": "ok" })).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
