//! Counts each request, by its route, its status and how it was answered.

use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};

use super::answer::{Outcome, outcome};
use crate::metrics::Metrics;

/// Counts it. Where no route matches, the path is whatever somebody sent, and there would be no end of these.
pub async fn count_request(State(metrics): State<Metrics>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let response = next.run(request).await;
    metrics.request(&route, response.status().as_u16(), outcome(&response), began.elapsed());
    if response.extensions().get().copied().is_some_and(Outcome::is_token) {
        metrics.token(&route);
    }
    response
}
