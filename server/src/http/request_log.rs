//! One line in the log for each request, and one in its counters: route, status, duration, outcome, trace, and no secret.

use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request},
    response::Response,
};

use tracing::{Instrument, Span};

use super::{
    answer::{Outcome, outcome},
    trace_context::TraceContext,
};
use crate::metrics::Metrics;

/// Writes the line, counts, and names the trace in every other line that is logged for the request. The path itself is left out where no
/// route matches: it is whatever somebody sent.
pub async fn log_request(
    metrics: Option<&Metrics>,
    request: Request,
    answer: impl AsyncFnOnce(Request) -> Response,
) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let trace = TraceContext::of(request.headers());
    let trace_id = trace.as_ref().map(TraceContext::trace_id);
    let span = trace_id.map_or_else(Span::none, |trace_id| tracing::info_span!("request", trace_id));
    let response = answer(request).instrument(span).await;
    let route = matched.as_ref().map_or("none", MatchedPath::as_str);
    let (outcome, status, duration) = (outcome(&response), response.status(), began.elapsed());
    if let Some(metrics) = metrics {
        metrics.request(route, status.as_str(), outcome, duration);
        if response.extensions().get().copied().is_some_and(Outcome::is_token) {
            metrics.token(route);
        }
    }
    let status = status.as_u16();
    let duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let parent_id = trace.as_ref().map(TraceContext::parent_id);
    tracing::info!(%method, route, status, duration_ms, outcome, trace_id, parent_id, "request");
    response
}
