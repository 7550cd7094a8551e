//! The description of all endpoints (OpenAPI 3.1), for programs; a test holds it to the routes and to what they answer.

use axum::{
    Router,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
    routing::get,
};

use crate::http::problem::method_not_allowed;

const DESCRIPTION: &str = include_str!("../openapi.json");

/// `/openapi.json`.
pub fn routes() -> Router {
    Router::new().route("/openapi.json", get(description)).method_not_allowed_fallback(method_not_allowed)
}

async fn description() -> Response {
    let media_type = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, media_type)], DESCRIPTION).into_response()
}
