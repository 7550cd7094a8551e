//! Plays LiveChat's chat for the demo: one conversation for each customer, whom the access token names. It is not LiveChat.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{Request, State},
    http::{HeaderMap, StatusCode},
    response::Response,
    routing::{get, post},
};
use identity_service::{
    admission::{bearer_token, origin::AllowedOrigins},
    http::{
        answer::not_stored,
        problem::Problem,
        request_body::{BodyLimits, read_json},
    },
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use url::{Url, form_urlencoded};

const MOST_CONVERSATIONS: usize = 1000;
const MOST_MESSAGES: usize = 200;
const LONGEST_TEXT: usize = 2000;
const TIMEOUT: Duration = Duration::from_secs(8);
const LIMITS: BodyLimits = BodyLimits { length: 16 * 1024, time: Duration::from_secs(10) };
/// How long a widget that has seen everything is kept waiting for news.
const LONG_POLL: Duration = Duration::from_secs(20);
/// How long the agent thinks.
const THOUGHT: Duration = Duration::from_millis(700);

/// What the agent says, one after the other; the last again and again.
const ANSWERS: [&str; 4] = [
    "Hello, this is Sam. Let me look that up for you.",
    "I have everything before me, also what you wrote before. It is on its way.",
    "Of course. I have made a note of it.",
    "It is noted. I am here if you need me.",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Author {
    Customer,
    Agent,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Message {
    id: String,
    author: Author,
    text: String,
}

struct Shared {
    accounts: Url,
    http: reqwest::Client,
    /// By the customer's entity id.
    conversations: Mutex<HashMap<String, Vec<Message>>>,
    /// Counts up with every change of any conversation.
    changes: watch::Sender<u64>,
    stop: CancellationToken,
}

/// The chat, with every customer's conversation.
#[derive(Clone)]
pub(super) struct ChatStandIn(Arc<Shared>);

impl ChatStandIn {
    /// Nobody has written yet. Tokens are checked with the accounts at `accounts`; whoever waits for news is answered when `stop` is
    /// cancelled.
    pub(super) fn new(accounts: Url, stop: CancellationToken) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder().timeout(TIMEOUT).redirect(reqwest::redirect::Policy::none()).build()?;
        let (conversations, changes) = (Mutex::default(), watch::Sender::new(0));
        Ok(Self(Arc::new(Shared { accounts, http, conversations, changes, stop })))
    }

    pub(super) fn routes(&self) -> Router {
        Router::new()
            .route("/stand-in/livechat/conversation", get(conversation))
            .route("/stand-in/livechat/messages", post(write))
            .with_state(self.clone())
    }

    /// Forgets every conversation.
    pub(super) fn forget(&self) {
        self.conversations().clear();
        self.0.changes.send_modify(|changes| *changes += 1);
    }

    /// The entity id of the customer whose token this is, as the accounts say.
    async fn customer(&self, headers: &HeaderMap) -> Result<String, Problem> {
        #[derive(Deserialize)]
        struct Information {
            entity_id: String,
        }
        let refused = || Problem::new(StatusCode::UNAUTHORIZED, "token_refused", "The access token is not valid.");
        let broken = |detail| Problem::new(StatusCode::BAD_GATEWAY, "accounts_failed", detail);
        let token = bearer_token(headers).ok_or_else(refused)?;
        let mut url = self.0.accounts.clone();
        url.set_path("/v2/customer/info");
        let answer = self.0.http.get(url).bearer_auth(token).send().await;
        let answer = answer.map_err(|_| broken("The accounts cannot be reached."))?;
        match answer.status() {
            StatusCode::OK => {
                let information: Result<Information, _> = answer.json().await;
                Ok(information.map_err(|_| broken("The accounts did not say whose token it is."))?.entity_id)
            }
            StatusCode::UNAUTHORIZED => Err(refused()),
            _ => Err(broken("The accounts did not check the token.")),
        }
    }

    fn conversations(&self) -> MutexGuard<'_, HashMap<String, Vec<Message>>> {
        self.0.conversations.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn messages(&self, entity: &str) -> Vec<Message> {
        self.conversations().get(entity).cloned().unwrap_or_default()
    }

    /// Adds what the customer writes, once; false when it was there.
    fn add_question(&self, entity: &str, id: &str, text: String) -> Result<bool, Problem> {
        let mut conversations = self.conversations();
        let is_full = conversations.len() >= MOST_CONVERSATIONS && !conversations.contains_key(entity);
        let messages = conversations.entry(entity.to_owned()).or_default();
        if messages.iter().any(|message| message.id == id) {
            return Ok(false);
        }
        if is_full || messages.len() >= MOST_MESSAGES {
            let detail = "The stand-in keeps no more than this.";
            return Err(Problem::new(StatusCode::INSUFFICIENT_STORAGE, "too_much", detail));
        }
        messages.push(Message { id: id.to_owned(), author: Author::Customer, text });
        drop(conversations);
        self.0.changes.send_modify(|changes| *changes += 1);
        Ok(true)
    }

    /// Adds what the agent says to that, unless the conversation was forgotten meanwhile.
    fn add_answer(&self, entity: &str, question: &str) {
        let mut conversations = self.conversations();
        let Some(messages) = conversations.get_mut(entity) else { return };
        if !messages.iter().any(|message| message.id == question) {
            return;
        }
        let spoken = messages.iter().filter(|message| message.author == Author::Agent).count();
        let text = ANSWERS.get(spoken).or(ANSWERS.last()).copied().unwrap_or_default().to_owned();
        messages.push(Message { id: format!("answer to {question}"), author: Author::Agent, text });
        drop(conversations);
        self.0.changes.send_modify(|changes| *changes += 1);
    }
}

/// The customer's conversation: at once when it is not as long as `seen` says, otherwise when it changes.
async fn conversation(State(chat): State<ChatStandIn>, request: Request) -> Result<Response, Problem> {
    let query = request.uri().query().unwrap_or_default();
    let seen = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "seen");
    let seen: Option<usize> = seen.and_then(|(_, number)| number.parse().ok());
    let entity = chat.customer(request.headers()).await?;
    let mut changes = chat.0.changes.subscribe();
    let messages = async {
        loop {
            changes.mark_unchanged();
            let messages = chat.messages(&entity);
            if Some(messages.len()) != seen || changes.changed().await.is_err() {
                return messages;
            }
        }
    };
    let messages = tokio::select! {
        messages = messages => messages,
        () = tokio::time::sleep(LONG_POLL) => chat.messages(&entity),
        () = chat.0.stop.cancelled() => chat.messages(&entity),
    };
    Ok(not_stored(Json(json!({ "messages": messages }))))
}

#[derive(Deserialize)]
struct Written {
    id: String,
    text: String,
}

/// The customer writes. A message that comes again, because its answer was lost, is taken once.
async fn write(State(chat): State<ChatStandIn>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    AllowedOrigins::default().check(&parts.headers, false)?;
    let expected = r#"{"id": "<unique>", "text": "<up to 2000 bytes>"}"#;
    let Written { id, text } = read_json(&parts.headers, body, LIMITS, expected).await?;
    let entity = chat.customer(&parts.headers).await?;
    if text.trim().is_empty() || text.len() > LONGEST_TEXT || id.is_empty() || id.len() > 64 {
        let detail = format!("The body has to be {expected}.");
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_body", detail));
    }
    if chat.add_question(&entity, &id, text)? {
        tokio::spawn(async move {
            tokio::time::sleep(THOUGHT).await;
            chat.add_answer(&entity, &id);
        });
    }
    Ok(not_stored(StatusCode::NO_CONTENT))
}
