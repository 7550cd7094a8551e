//! One line in the log for each request: route, status, duration, outcome, trace, and no secret.

use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request},
    middleware::Next,
    response::Response,
};

use tracing::Instrument;

use super::{answer::outcome, trace_context::TraceContext};

/// Writes the line, and names the trace in every other line that is logged for the request. The path itself is left out where no route matches: it is whatever somebody sent.
pub async fn log_request(request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let trace = TraceContext::of(request.headers());
    let trace_id = trace.as_ref().map(TraceContext::trace_id);
    let span = trace_id.map_or_else(tracing::Span::none, |trace_id| tracing::info_span!("request", trace_id));
    let response = next.run(request).instrument(span).await;
    let outcome = outcome(&response);
    let status = response.status().as_u16();
    let duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let parent_id = trace.as_ref().map(TraceContext::parent_id);
    tracing::info!(%method, route, status, duration_ms, outcome, trace_id, parent_id, "request");
    response
}
