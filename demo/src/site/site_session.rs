//! Signing in and out at the demo's site. Nobody has a password here: the page chooses who it is.

use std::{sync::Arc, time::SystemTime};

use axum::{
    Json, Router,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
    routing::{get, post},
};
use cookie::{Cookie, SameSite, time::Duration};
use identity_service::{
    admission::{
        cookies,
        origin::AllowedOrigins,
        session_token::{SessionKey, SessionSettings, SessionTokens},
    },
    clock::seconds,
    http::{
        answer::not_stored,
        problem::Problem,
        request_body::{BodyLimits, read_json},
    },
};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    CUSTOMERS, Customer, SESSION_COOKIE, SiteSettings,
    story::{self, Story},
};

const EIGHT_HOURS: u64 = 28_800;
const LIMITS: BodyLimits = BodyLimits { length: 1024, time: std::time::Duration::from_secs(10) };

/// The session settings that the identity service needs to believe this site.
pub fn session_settings(settings: &SiteSettings) -> SessionSettings {
    SessionSettings {
        key: SessionKey::Secret(settings.session_secret.clone().into()),
        issuer: None,
        audience: None,
        customer_claim: "sub".to_owned(),
        cookie: SESSION_COOKIE.to_owned(),
    }
}

/// What signing in works with.
#[derive(Clone)]
struct Reception {
    settings: Arc<SiteSettings>,
    /// In whose shop it is; None for the benches.
    story: Option<Story>,
}

pub(super) fn routes(settings: Arc<SiteSettings>, story: Option<Story>) -> Router {
    Router::new()
        .route("/site/session", get(session))
        .route("/site/sign-in", post(sign_in))
        .route("/site/sign-out", post(sign_out))
        .with_state(Reception { settings, story })
}

async fn customer_of(settings: &SiteSettings, headers: &HeaderMap) -> Option<Customer> {
    let token = cookies(headers, SESSION_COOKIE).into_iter().next()?;
    let id = SessionTokens::new(session_settings(settings)).customer(&token).await.ok()?;
    CUSTOMERS.into_iter().find(|customer| customer.id == story::customer_of(id.as_str()))
}

async fn session(State(Reception { settings, .. }): State<Reception>, headers: HeaderMap) -> Response {
    let customer = customer_of(&settings, &headers).await;
    let body: Value = json!({
        "customer": customer,
        "customers": CUSTOMERS,
        "livechat": settings.livechat,
        "jsonWebTokens": settings.json_web_tokens,
        "devices": settings.devices,
    });
    not_stored(Json(body))
}

#[derive(Deserialize)]
struct SignIn {
    customer: String,
}

async fn sign_in(
    State(Reception { settings, story }): State<Reception>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    // As if by cookie: a foreign page must not sign its visitor in as somebody else.
    AllowedOrigins::default().check(&parts.headers, true)?;
    let wanted: SignIn = read_json(&parts.headers, body, LIMITS, r#"{"customer": "<id>"}"#).await?;
    let customer = CUSTOMERS.into_iter().find(|customer| customer.id == wanted.customer).ok_or_else(|| {
        let detail = "customer has to be one of the ids in /site/session.";
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unknown_customer", detail)
    })?;
    let now = seconds(SystemTime::now());
    let id = story.map_or_else(|| customer.id.to_owned(), |story| story.id(customer.id));
    let claims = json!({ "sub": id, "iat": now, "exp": now + EIGHT_HOURS });
    let key = EncodingKey::from_secret(settings.session_secret.expose_secret().as_bytes());
    let token = encode(&Header::new(Algorithm::HS256), &claims, &key).map_err(|error| {
        tracing::error!(%error, "no session token could be signed");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "No session token could be signed.")
    })?;
    Ok(with_cookie(Cookie::build((SESSION_COOKIE, token)).max_age(Duration::hours(8))))
}

async fn sign_out(headers: HeaderMap) -> Result<Response, Problem> {
    AllowedOrigins::default().check(&headers, true)?;
    Ok(with_cookie(Cookie::build((SESSION_COOKIE, "")).max_age(Duration::ZERO)))
}

fn with_cookie(cookie: cookie::CookieBuilder<'_>) -> Response {
    // Not `Secure`: the demo is served over http on this machine.
    let text = cookie.path("/").http_only(true).same_site(SameSite::Lax).build().to_string();
    let mut response = not_stored(StatusCode::NO_CONTENT);
    if let Ok(value) = HeaderValue::from_str(&text) {
        response.headers_mut().insert(header::SET_COOKIE, value);
    }
    response
}
