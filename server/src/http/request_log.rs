//! One line in the log for each request: route, status, duration, outcome, and no secret.

use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request},
    middleware::Next,
    response::Response,
};

use super::answer::{Outcome, ProblemCode};

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
