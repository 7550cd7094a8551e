//! The admin API: the site's own backend puts what it knows of its customers. Browsers have no business here.

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Body,
    extract::{Path, Request, State, rejection::PathRejection},
    http::{HeaderMap, StatusCode},
    response::Response,
    routing::put,
};
use secrecy::{ExposeSecret, SecretString};

use crate::{
    admission::bearer_token,
    customer::CustomerId,
    customer_records::{CustomerRecord, Members, RecordError, stored_record},
    customer_store::CustomerStore,
    http::{
        answer::not_stored,
        problem::{Problem, method_not_allowed},
        request_body::{BodyLimits, read_json},
    },
    secret::same_secret,
};

/// What the admin API works with.
#[derive(Clone)]
pub struct Administration {
    /// What the site's backend shows.
    pub key: SecretString,
    /// Where the records are.
    pub store: CustomerStore,
    /// The context variables that a record may have; none allow any.
    pub context_variables: Arc<[String]>,
    /// How much of a body is read.
    pub body_limits: BodyLimits,
}

impl Administration {
    /// The routes.
    pub fn routes(self) -> Router {
        Router::new()
            .route("/admin/customers/{customer_id}", put(put_record).get(record).delete(delete_record))
            .method_not_allowed_fallback(method_not_allowed)
            .with_state(Arc::new(self))
    }

    /// The customer of the path, for who has the key.
    fn admit(&self, headers: &HeaderMap, customer: CustomerPath) -> Result<CustomerId, Problem> {
        let shown = bearer_token(headers).unwrap_or_default();
        if !same_secret(shown.as_bytes(), self.key.expose_secret().as_bytes()) {
            let detail = "The admin API takes Authorization: Bearer with the key of the setting admin-key.";
            return Err(Problem::new(StatusCode::UNAUTHORIZED, "admin_key_wrong", detail));
        }
        customer.ok().and_then(|Path(text)| CustomerId::parse(&text)).ok_or_else(|| {
            let detail = "The customer's id in the path has to be 1 to 256 bytes without control characters.";
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_customer_id", detail)
        })
    }
}

type Shared = State<Arc<Administration>>;
/// The customer's id in the path, which may be no text: that is told only to who has the key.
type CustomerPath = Result<Path<String>, PathRejection>;

async fn put_record(
    State(administration): Shared,
    customer: CustomerPath,
    request: Request<Body>,
) -> Result<StatusCode, Problem> {
    let (parts, body) = request.into_parts();
    let customer = administration.admit(&parts.headers, customer)?;
    let members: Members = read_json(&parts.headers, body, administration.body_limits, "a JSON object").await?;
    let bad = |error: RecordError| {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_record", format!("The record is wrong at {error}."))
    };
    let record = CustomerRecord::check(members).map_err(bad)?;
    record.check_contexts(&administration.context_variables).map_err(bad)?;
    let text = serde_json::to_string(&record).map_err(|_| {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "The record could not be written as JSON.")
    })?;
    administration.store.put_record(&customer, &text).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn record(
    State(administration): Shared,
    customer: CustomerPath,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let customer = administration.admit(&headers, customer)?;
    let record = stored_record(&administration.store, &customer)
        .await?
        .ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "no_record", "There is no record of this customer."))?;
    Ok(not_stored(Json(record)))
}

async fn delete_record(
    State(administration): Shared,
    customer: CustomerPath,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let customer = administration.admit(&headers, customer)?;
    administration.store.delete_record(&customer).await?;
    Ok(StatusCode::NO_CONTENT)
}
