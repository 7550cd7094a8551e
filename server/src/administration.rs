//! The admin API: the site's own backend puts what it knows of its customers, and has them forgotten. Browsers have no
//! business here. Each call leaves a line in the log.

use std::sync::Arc;

use aws_lc_rs::hmac::{self, HMAC_SHA256};
use axum::{
    Json, Router,
    body::Body,
    extract::{Path, Request, State, rejection::PathRejection},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::put,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    admission::bearer_token,
    customer::{CustomerId, EntityId},
    customer_records::{CustomerRecord, Members, RecordError, known::CustomerRecords, stored_record},
    customer_store::{CustomerStore, Import},
    http::{
        answer::not_stored,
        problem::{Problem, method_not_allowed},
        request_body::{BodyLimits, read_json},
    },
    livechat::customer_tokens::CustomerTokens,
    secret::same_secret,
};

/// What the admin API works with.
#[derive(Clone)]
pub struct Administration {
    /// What the site's backend shows.
    pub key: SecretString,
    /// Where the records and the entities are.
    pub store: CustomerStore,
    /// The records, as they are remembered.
    pub records: CustomerRecords,
    /// The customers' tokens, where LiveChat is served.
    pub tokens: Option<CustomerTokens>,
    /// The context variables that a record may have; none allow any.
    pub context_variables: Arc<[String]>,
    /// The further claims that a record may have.
    pub further_claims: Arc<[String]>,
    /// How much of a body is read.
    pub body_limits: BodyLimits,
}

impl Administration {
    /// The routes.
    pub fn routes(self) -> Router {
        Router::new()
            .route("/admin/customers/{customer_id}", put(put_record).get(show).delete(erase))
            .route("/admin/customers/{customer_id}/entity", put(put_entity))
            .method_not_allowed_fallback(no_action)
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

impl Administration {
    /// Does what is asked for the customer of the path, and leaves the line that tells of it. The customer stands there by
    /// a digest with the admin key, so that who has the key can look for one, and nobody can guess whose the others are.
    async fn audited<A: IntoResponse>(
        &self,
        action: &'static str,
        headers: &HeaderMap,
        customer: CustomerPath,
        work: impl AsyncFnOnce(&CustomerId) -> Result<A, Problem>,
    ) -> Response {
        let admitted = self.admit(headers, customer);
        let digest = admitted.as_ref().ok().map(|customer| {
            let key = hmac::Key::new(HMAC_SHA256, self.key.expose_secret().as_bytes());
            URL_SAFE_NO_PAD.encode(hmac::sign(&key, customer.as_str().as_bytes()))
        });
        let answer = match admitted {
            Ok(customer) => work(&customer).await.map(IntoResponse::into_response),
            Err(problem) => Err(problem),
        };
        let outcome = answer.as_ref().err().map_or("done", Problem::code);
        tracing::info!(action, customer = digest, outcome, "audit");
        answer.unwrap_or_else(IntoResponse::into_response)
    }
}

/// Whoever tries what there is not leaves a line, too.
async fn no_action() -> Problem {
    let problem = method_not_allowed().await;
    tracing::info!(action = "none", outcome = problem.code(), "audit");
    problem
}

async fn put_record(State(administration): Shared, customer: CustomerPath, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let work = async |customer: &CustomerId| {
        let members: Members = read_json(&parts.headers, body, administration.body_limits, "a JSON object").await?;
        let bad = |error: RecordError| {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_record", format!("The record is wrong at {error}."))
        };
        let record = CustomerRecord::check(members).map_err(bad)?;
        record.check_contexts(&administration.context_variables).map_err(bad)?;
        record.check_claims(&administration.further_claims).map_err(bad)?;
        let text = serde_json::to_string(&record).map_err(|_| {
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "The record could not be written as JSON.")
        })?;
        administration.records.put(customer, &text).await?;
        Ok(StatusCode::NO_CONTENT)
    };
    administration.audited("put_record", &parts.headers, customer, work).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EntityMembers {
    entity_id: String,
    #[serde(default)]
    replace: bool,
}

/// One customer who has an entity already, as `customers import` puts in many.
async fn put_entity(State(administration): Shared, customer: CustomerPath, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let work = async |customer: &CustomerId| {
        let expected = r#"{"entity_id": "<the id at LiveChat>", "replace"?: true}"#;
        let members: EntityMembers = read_json(&parts.headers, body, administration.body_limits, expected).await?;
        let Some(tokens) = &administration.tokens else {
            let detail = "LiveChat is not served here: an entity would be nobody's.";
            return Err(Problem::new(StatusCode::CONFLICT, "no_livechat", detail));
        };
        let entity = EntityId::given(&members.entity_id).ok_or_else(|| {
            let detail = "entity_id has to be 1 to 256 printable characters of ASCII, without spaces, and no word for none \
                          such as null.";
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_entity_id", detail)
        })?;
        let imports = administration.store.import(&[(customer.clone(), entity)], members.replace).await?;
        if imports.contains(&Import::Conflict) {
            let detail = "The customer has another entity, which is overwritten only with \"replace\": true.";
            return Err(Problem::new(StatusCode::CONFLICT, "entity_conflict", detail));
        }
        if imports.contains(&Import::Replaced) {
            tokens.forget(customer).await;
        }
        Ok(StatusCode::NO_CONTENT)
    };
    administration.audited("put_entity", &parts.headers, customer, work).await
}

/// What is known of a customer.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    record: CustomerRecord,
    #[serde(skip_serializing_if = "Option::is_none")]
    entity_id: Option<&'a str>,
}

/// The record, with the entity as one more member.
async fn show(State(administration): Shared, customer: CustomerPath, headers: HeaderMap) -> Response {
    let work = async |customer: &CustomerId| {
        let record = stored_record(&administration.store, customer).await?;
        let entity = administration.store.entity(customer).await?;
        if record.is_none() && entity.is_none() {
            let detail = "Neither a record nor an entity of this customer is known here.";
            return Err(Problem::new(StatusCode::NOT_FOUND, "no_record", detail));
        }
        let entity_id = entity.as_ref().map(EntityId::as_str);
        Ok(not_stored(Json(Shown { record: record.unwrap_or_default(), entity_id })))
    };
    administration.audited("show", &headers, customer, work).await
}

/// Forgets the customer: record, entity, codes and the kept token. What LiveChat still has is told, as nobody here can
/// have it forgotten there.
async fn erase(State(administration): Shared, customer: CustomerPath, headers: HeaderMap) -> Response {
    let work = async |customer: &CustomerId| {
        // An entity that is being created right now would be stored afterwards, and stay.
        let mut kept_token = false;
        if let Some(tokens) = &administration.tokens {
            tokens.landed(customer).await;
            kept_token = tokens.is_kept(customer);
        }
        let erased = administration.store.erase(customer).await;
        administration.records.changed(customer);
        let erased = erased?;
        // It may be gone by now: who listens to changes has heard of this one too.
        if let Some(tokens) = &administration.tokens {
            kept_token |= tokens.forget(customer).await;
        }
        if erased.entities.is_empty() {
            return Ok(StatusCode::NO_CONTENT.into_response());
        }
        let entities: Vec<&str> = erased.entities.iter().map(EntityId::as_str).collect();
        let detail = "LiveChat still has these customers, their conversations, and what was told of them there: \
                      have them erased at LiveChat. Their tokens are good until they end.";
        let answer = json!({
            "erased": { "record": erased.record, "entity": true, "codes": erased.codes, "kept_token": kept_token },
            "remains_at_livechat": { "entity_ids": entities, "detail": detail },
        });
        Ok(not_stored(Json(answer)))
    };
    administration.audited("erase", &headers, customer, work).await
}
