//! Whether the service can do its work: write to its database, sign, and check the site's sessions.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{Json, Router, extract::State, http::StatusCode, response::Response, routing::get};
use serde_json::{Map, json};
use tokio::sync::Mutex;

use crate::{
    admission::Admission,
    customer_store::CustomerStore,
    http::{
        answer::not_stored,
        problem::{Problem, method_not_allowed},
    },
    signing_keys::Signer,
};

/// How long an answer is reused: anybody can ask, and each fresh answer costs a write.
const GOOD_FOR: Duration = Duration::from_millis(500);

/// What the answer depends on.
pub struct Readiness {
    store: CustomerStore,
    signer: Option<Signer>,
    admission: Admission,
    last: Mutex<Option<(Instant, Vec<Fault>)>>,
}

/// What is wrong, in words for the operators.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Fault {
    part: &'static str,
    why: String,
}

impl Readiness {
    /// Without a signer, nothing needs to be signed.
    pub fn new(store: CustomerStore, signer: Option<Signer>, admission: Admission) -> Self {
        Self { store, signer, admission, last: Mutex::new(None) }
    }

    /// `/readyz`, and `/healthz`, which says no more than that the process answers.
    pub fn routes(self) -> Router {
        Router::new()
            .route("/healthz", get(async || not_stored(Json(json!({ "status": "ok" })))))
            .route("/readyz", get(ready))
            .method_not_allowed_fallback(method_not_allowed)
            .with_state(Arc::new(self))
    }

    /// What is wrong now, or was a moment ago. Questions that come together get the same answer.
    async fn faults(&self) -> Vec<Fault> {
        let mut last = self.last.lock().await;
        if let Some((_, faults)) = last.as_ref().filter(|(at, _)| at.elapsed() < GOOD_FOR) {
            return faults.clone();
        }
        let (database, session_keys) = tokio::join!(self.store.check(), self.admission.check());
        // It really signs, because a key that is there may still fail to work.
        let signed = self.signer.as_ref().map_or(Ok(()), |signer| signer.sign(&Map::new()).map(|_| ()));
        let found = [
            ("database", database.map_err(|error| error.to_string())),
            ("signing keys", signed.map_err(|error| error.to_string())),
            ("session keys", session_keys.map_err(|error| error.to_string())),
        ];
        let faults: Vec<Fault> =
            found.into_iter().filter_map(|(part, result)| Some(Fault { part, why: result.err()? })).collect();
        let before = last.replace((Instant::now(), faults.clone())).map(|(_, before)| before).unwrap_or_default();
        if before != faults {
            for Fault { part, why } in &faults {
                tracing::error!(part, why, "the service is not ready");
            }
            if faults.is_empty() {
                tracing::info!("the service is ready again");
            }
        }
        faults
    }
}

async fn ready(State(readiness): State<Arc<Readiness>>) -> Result<Response, Problem> {
    let faults = readiness.faults().await;
    if faults.is_empty() {
        return Ok(not_stored(Json(json!({ "status": "ready" }))));
    }
    let words: Vec<String> = faults.iter().map(|Fault { part, why }| format!("{part}: {why}")).collect();
    Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", words.join("; ")).with_retry_after(1))
}
