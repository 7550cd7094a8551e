//! The description of all endpoints (OpenAPI 3.1), for programs; a test holds it to the routes and to what they answer.

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Value, json};

use crate::http::problem::method_not_allowed;

const DESCRIPTION: &str = include_str!("../openapi.json");

/// What the settings say of the endpoints. Where nothing is set, the description is right as it is written.
#[derive(Default)]
pub struct DescribedSettings<'a> {
    /// The cookie of the site's sessions, where it has a name.
    pub session_cookie: Option<&'a str>,
    /// Where codes may be sent to.
    pub redirect_uris: &'a [String],
    /// Further members of records.
    pub further_claims: &'a [String],
}

/// `/openapi.json`.
pub fn routes(settings: &DescribedSettings<'_>) -> Result<Router, serde_json::Error> {
    let described = Bytes::from(description(settings)?.to_string());
    let routes = Router::new().route("/openapi.json", get(served)).method_not_allowed_fallback(method_not_allowed);
    Ok(routes.with_state(described))
}

fn description(settings: &DescribedSettings<'_>) -> Result<Value, serde_json::Error> {
    let mut description: Value = serde_json::from_str(DESCRIPTION)?;
    let mut set = |place: &str, value: Value| description.pointer_mut(place).map(|found| *found = value);
    if let Some(cookie) = settings.session_cookie {
        set("/components/securitySchemes/sessionCookie/name", json!(cookie));
    }
    if !settings.redirect_uris.is_empty() {
        // As well as none.
        let any = settings.redirect_uris.iter().map(Some).chain([None]).collect::<Vec<_>>();
        set("/components/schemas/AuthorizationCodeRequest/properties/redirect_uri/enum", json!(any));
    }
    for schema in ["CustomerRecord", "Customer"] {
        let members = description.pointer_mut(&format!("/components/schemas/{schema}/properties"));
        if let Some(members) = members.and_then(Value::as_object_mut) {
            members.extend(settings.further_claims.iter().map(|claim| (claim.clone(), json!({}))));
        }
    }
    Ok(description)
}

async fn served(State(described): State<Bytes>) -> Response {
    let media_type = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, media_type)], described).into_response()
}
