//! The public keys over HTTP, in the form of each consumer.

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
    routing::get,
};

use super::{PUBLISHED_MAXIMUM_AGE, Signer, SigningError, live_assist_line, omnichannel_list, pem, web_key_set};
use crate::http::problem::{Problem, method_not_allowed};

/// The routes: what every site that signs has, and what its widgets read.
pub fn routes(signer: Signer, omnichannel: bool, live_assist: bool) -> Router {
    let mut router =
        Router::new().route("/.well-known/jwks.json", get(json_web_keys)).route("/keys/public.pem", get(active_pem));
    if omnichannel {
        router = router.route("/omnichannel/public-keys", get(omnichannel_keys));
    }
    if live_assist {
        router = router.route("/live-assist/public-key", get(live_assist_key));
    }
    router.method_not_allowed_fallback(method_not_allowed).with_state(signer)
}

/// Everybody may keep keys for a while: a new one is published long before it signs.
fn kept(answer: impl IntoResponse, media_type: Option<&'static str>) -> Response {
    let mut response = answer.into_response();
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&format!("public, max-age={PUBLISHED_MAXIMUM_AGE}")) {
        headers.insert(header::CACHE_CONTROL, value);
    }
    if let Some(media_type) = media_type {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    }
    response
}

async fn json_web_keys(State(signer): State<Signer>) -> Response {
    kept(Json(web_key_set(&signer.keys().current(), signer.now())), Some("application/jwk-set+json"))
}

async fn active_pem(State(signer): State<Signer>) -> Result<Response, Problem> {
    let keys = signer.keys().current();
    let key = keys.active(signer.now()).ok_or(SigningError::NoActiveKey)?;
    Ok(kept(pem(key).ok_or(SigningError::Library)?, None))
}

async fn omnichannel_keys(State(signer): State<Signer>) -> Result<Response, Problem> {
    let list = omnichannel_list(&signer.keys().current(), signer.now()).ok_or(SigningError::Library)?;
    Ok(kept(Json(list), None))
}

async fn live_assist_key(State(signer): State<Signer>) -> Result<Response, Problem> {
    let keys = signer.keys().current();
    Ok(kept(live_assist_line(keys.active(signer.now()).ok_or(SigningError::NoActiveKey)?), None))
}
