//! Good answers: what all of them have beside their body.

use axum::{
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};

use crate::request_log::Outcome;

/// An answer that no cache may keep: it holds a secret, or is true only now.
pub fn not_stored(answer: impl IntoResponse) -> Response {
    let mut response = answer.into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The same, with what the request log says of it.
pub fn answered(answer: impl IntoResponse, outcome: Outcome) -> Response {
    let mut response = not_stored(answer);
    response.extensions_mut().insert(outcome);
    response
}
