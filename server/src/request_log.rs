//! One line in the log for each request: route, status, duration, outcome, and no secret.

use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request},
    middleware::Next,
    response::Response,
};

use crate::problem::ProblemCode;

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

/// Writes the line. The path itself is left out where no route matches: it is whatever somebody sent.
pub async fn log_request(request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let response = next.run(request).await;
    let extensions = response.extensions();
    let outcome = match (extensions.get::<Outcome>(), extensions.get::<ProblemCode>()) {
        (Some(outcome), _) => outcome.as_str(),
        (None, Some(problem)) => problem.0,
        (None, None) => "done",
    };
    let status = response.status().as_u16();
    let duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::info!(%method, route, status, duration_ms, outcome, "request");
    response
}
