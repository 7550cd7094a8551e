//! Reads a request's body, no longer and no slower than allowed.

use std::{collections::HashMap, time::Duration};

use axum::{
    body::{Body, Bytes, HttpBody},
    http::{HeaderMap, StatusCode, header},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::{DeserializeOwned, IgnoredAny};

use super::problem::Problem;
use crate::byte_order_mark::unmarked;

/// How much body is read, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct BodyLimits {
    /// The longest body in bytes.
    pub length: usize,
    /// The whole body has to arrive within this.
    pub time: Duration,
}

/// Reads the whole body, or says 413, 408 or 400.
pub async fn read_body(headers: &HeaderMap, body: Body, limits: BodyLimits) -> Result<Bytes, Problem> {
    let too_long = || {
        let detail = format!("The body is longer than the {} bytes that are allowed.", limits.length);
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_long", detail)
    };
    // Said at once when the length is announced, before a byte of it is read.
    let announced =
        headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok());
    if announced.is_some_and(|length: u64| length > limits.length as u64) {
        return Err(too_long());
    }
    // Nothing is to come: nobody has to wait, and no clock to run.
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    // Boxed, so that a request without a body carries no room for it.
    match tokio::time::timeout(limits.time, Box::pin(Limited::new(body, limits.length).collect())).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_long()),
        Ok(Err(_)) => Err(Problem::new(StatusCode::BAD_REQUEST, "body_broken", "The body did not arrive whole.")),
        Err(_) => Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "body_too_slow", "The body did not arrive in time.")),
    }
}

/// Reads a body that has to be JSON with known members, or says 415 or 422 as well; `expected` describes them.
pub async fn read_json<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: Body,
    limits: BodyLimits,
    expected: &str,
) -> Result<T, Problem> {
    let media_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.split(';').next())
        .map(str::trim);
    if !media_type.is_some_and(|text| text.eq_ignore_ascii_case("application/json")) {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "not_json",
            "The body has to be application/json.",
        ));
    }
    let bytes = read_body(headers, body, limits).await?;
    // Files that are sent as their editor has left them may begin with one.
    let bytes = unmarked(&bytes);
    // The parser's own message may quote the body, so it is not passed on.
    // An object first: a struct would also be read from a list. Whether its numbers can be read is for who reads them to say.
    let members: Result<HashMap<String, IgnoredAny>, _> = serde_json::from_slice(bytes);
    members.and_then(|_| serde_json::from_slice(bytes)).map_err(|_| {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_body", format!("The body has to be {expected}."))
    })
}
