//! What every answer has beside its body: who may keep it, and what the request log says of it.

use axum::{
    Json,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

/// How a successful request was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// From the cache.
    Hit,
    /// With the answer of a request that was already running.
    Joined,
    /// By asking accounts.
    Fetched,
    /// By asking accounts, which created the customer.
    Created,
    /// By asking accounts for the entity of the guest who the customer was.
    Adopted,
    /// The guest, if there was one, is ended.
    Ended,
    /// With a token signed here.
    Signed,
    /// With a new authorization code.
    Issued,
    /// With a token for an authorization code.
    Redeemed,
}

impl Outcome {
    /// The word in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Joined => "joined",
            Self::Fetched => "fetched",
            Self::Created => "created",
            Self::Adopted => "adopted",
            Self::Ended => "ended",
            Self::Signed => "signed",
            Self::Issued => "issued",
            Self::Redeemed => "redeemed",
        }
    }
}

impl Outcome {
    /// Whether somebody got a token.
    pub fn is_token(self) -> bool {
        match self {
            Self::Hit | Self::Joined | Self::Fetched | Self::Created | Self::Adopted => true,
            Self::Signed | Self::Redeemed => true,
            Self::Ended | Self::Issued => false,
        }
    }
}

/// How a request was answered, in the word that the log and the metrics have for it.
pub fn outcome(response: &Response) -> &'static str {
    let extensions = response.extensions();
    match (extensions.get::<Outcome>(), extensions.get::<ProblemCode>()) {
        (Some(outcome), _) => outcome.as_str(),
        (None, Some(problem)) => problem.0,
        (None, None) => "done",
    }
}

/// Travels with the response, so that the request log can name the error.
#[derive(Debug, Clone, Copy)]
pub struct ProblemCode(pub &'static str);

/// What an answer holds besides the long text for which its room is made.
const MEMBERS: usize = 256;

/// An answer in JSON with a text of this length in it: room is made once, however long it is.
pub fn json_answer(answer: &impl Serialize, longest: usize) -> Response {
    let mut text = Vec::with_capacity(longest + MEMBERS);
    match serde_json::to_writer(&mut text, answer) {
        Ok(()) => ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], text).into_response(),
        // It says the same again, as an error.
        Err(_) => Json(answer).into_response(),
    }
}

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
