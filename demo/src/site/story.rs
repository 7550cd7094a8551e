//! The beginning of the story: nothing was said yet, and nobody of the shop's customers is LiveChat's.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
    routing::post,
};
use identity_service::{
    admission::origin::AllowedOrigins,
    http::{answer::not_stored, problem::Problem},
};

use super::chat_stand_in::ChatStandIn;

/// Parts a customer's id from the telling in which the shop knows them. No id has it.
const SEPARATOR: char = '.';

/// What is told, and how often it was.
#[derive(Clone)]
pub(super) struct Story {
    chat: ChatStandIn,
    telling: Arc<AtomicU64>,
}

impl Story {
    /// It has not been told.
    pub(super) fn new(chat: ChatStandIn) -> Self {
        Self { chat, telling: Arc::default() }
    }

    /// The id by which the shop of the story knows a customer. Another in each telling: LiveChat does not forget whom it knows.
    pub(super) fn id(&self, customer: &str) -> String {
        format!("{customer}{SEPARATOR}{}", self.telling.load(Ordering::Relaxed))
    }

    /// Its page may start it again.
    pub(super) fn routes(&self) -> Router {
        Router::new().route("/stand-in/story", post(begin)).with_state(self.clone())
    }
}

/// Whose id it is, in whichever telling.
pub(super) fn customer_of(id: &str) -> &str {
    id.split_once(SEPARATOR).map_or(id, |(customer, _)| customer)
}

async fn begin(State(story): State<Story>, headers: HeaderMap) -> Result<Response, Problem> {
    AllowedOrigins::default().check(&headers, true)?;
    story.telling.fetch_add(1, Ordering::Relaxed);
    story.chat.forget();
    Ok(not_stored(StatusCode::NO_CONTENT))
}
