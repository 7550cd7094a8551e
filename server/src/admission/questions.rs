//! Asks another service whose session it is: one question for equal sessions, a deadline, and a few seconds of memory.

use std::{sync::Arc, time::Duration};

use aws_lc_rs::{
    hmac::{self, HMAC_SHA256},
    rand::SystemRandom,
};
use moka::future::Cache;
use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::{Map, Value};
use url::Url;

use super::refusal::Refusal;
use crate::{
    byte_order_mark::unmarked,
    clock::seconds,
    customer::CustomerId,
    http::{client::asking_client_for, connection_failure::words},
    random::NoRandomness,
};

/// Longest answer that is read.
const LONGEST_ANSWER: usize = 64 * 1024;
/// How many sessions are remembered.
const CAPACITY: u64 = 100_000;

/// How long a question may take, and how long its answer is believed.
#[derive(Debug, Clone, Copy)]
pub struct QuestionSettings {
    /// How long an answer may take.
    pub timeout: Duration,
    /// How long a customer is believed to be signed in without asking again.
    pub keep: Duration,
}

/// The HTTP client could not be built.
#[derive(Debug, thiserror::Error)]
pub enum QuestionsError {
    /// The client.
    #[error("the HTTPS client could not be made (are CA certificates installed?): {0}")]
    Http(#[from] reqwest::Error),
    /// The key of the digests.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

/// Why there is no answer, in words that repeat nothing of the question.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// No connection, or it was cut.
    #[error("it could not be reached: {0}")]
    Unreachable(String),
    /// No answer in time.
    #[error("it did not answer in time")]
    Slow,
    /// A status that says neither who is signed in nor that nobody is.
    #[error("it answered with status {0}")]
    Status(u16),
    /// It does not accept this service's credentials.
    #[error("it refused this service's own credentials with status {0}: check session-client-id and its secret")]
    Credentials(u16),
    /// A redirect that only spells the URL differently. No redirect is followed, so it would mean that nobody is signed in.
    #[error("it redirects to another spelling of its own URL: set that one")]
    Moved,
    /// The answer is too long.
    #[error("its answer is longer than {LONGEST_ANSWER} bytes")]
    TooLong,
    /// The answer is something else than JSON, for example a page.
    #[error("its answer is no JSON object")]
    NotJson,
    /// An object without the member that matters.
    #[error("its answer has no customer's id where the setting customer-claim says")]
    NoCustomer,
    /// `exp` or `nbf`, RFC 7662, section 2.2.
    #[error("its answer has a time that is no number of seconds")]
    NoTime,
    /// RFC 7662, section 2.2.
    #[error("its answer does not say whether the token is active")]
    NotIntrospected,
}

/// Why a question named nobody.
#[derive(Debug, Clone)]
pub enum NoCustomer {
    /// Nobody is signed in.
    Nobody,
    /// The session is refused.
    Refused(Refusal),
    /// It could not be found out.
    Failed(AskError),
}

impl From<AskError> for NoCustomer {
    fn from(error: AskError) -> Self {
        Self::Failed(error)
    }
}

/// Who is signed in, and until when at most, in seconds since 1970.
#[derive(Clone)]
pub(super) struct SignedIn {
    pub(super) customer: CustomerId,
    pub(super) expiry: Option<u64>,
}

/// A keyed digest of a session: nobody can use it in place of the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct SessionDigest([u8; 32]);

/// Asks, and remembers who is signed in. "Nobody" is not remembered, so a person who signs in is served at once.
#[derive(Clone)]
pub(super) struct Questions {
    pub(super) http: reqwest::Client,
    answers: Cache<SessionDigest, SignedIn>,
    digest_key: Arc<hmac::Key>,
}

impl Questions {
    pub(super) fn new(url: &Url, QuestionSettings { timeout, keep }: QuestionSettings) -> Result<Self, QuestionsError> {
        let http = asking_client_for(url).timeout(timeout).build()?;
        let key = hmac::Key::generate(HMAC_SHA256, &SystemRandom::new()).map_err(|_| NoRandomness)?;
        let answers = Cache::builder().max_capacity(CAPACITY).time_to_live(keep).build();
        Ok(Self { http, answers, digest_key: Arc::new(key) })
    }

    /// The remembered answer for a session of these parts, or that of the question, which is asked once at a time.
    pub(super) async fn customer(
        &self,
        session: SessionDigest,
        question: impl Future<Output = Result<SignedIn, NoCustomer>> + Send,
    ) -> Result<CustomerId, NoCustomer> {
        let answer = self.answers.try_get_with(session, question).await.map_err(|error| NoCustomer::clone(&error))?;
        let is_over = answer.expiry.is_some_and(|expiry| expiry <= seconds(std::time::SystemTime::now()));
        if is_over { Err(NoCustomer::Refused(Refusal::Expired)) } else { Ok(answer.customer) }
    }

    /// The key under which a session of these parts is remembered.
    pub(super) fn digest(&self, session: &[&[u8]]) -> SessionDigest {
        let mut context = hmac::Context::with_key(&self.digest_key);
        for part in session {
            // With its length: no part can reach into the next.
            context.update(&part.len().to_be_bytes());
            context.update(part);
        }
        let mut digest = [0; 32];
        digest.copy_from_slice(context.sign().as_ref());
        SessionDigest(digest)
    }
}

/// Sends the question.
pub(super) async fn ask(question: RequestBuilder) -> Result<Response, AskError> {
    question.header("accept", "application/json").send().await.map_err(|error| of_connection(&error))
}

/// Reads an answer that has to be a JSON object; None when there is none at all.
pub(super) async fn members(mut response: Response) -> Result<Option<Map<String, Value>>, AskError> {
    if response.status() == StatusCode::NO_CONTENT {
        return Ok(None);
    }
    let mut text = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| of_connection(&error))? {
        if text.len() + chunk.len() > LONGEST_ANSWER {
            return Err(AskError::TooLong);
        }
        text.extend_from_slice(&chunk);
    }
    match serde_json::from_slice(unmarked(&text)) {
        Ok(Value::Object(members)) => Ok(Some(members)),
        Ok(Value::Null) => Ok(None),
        _ => Err(AskError::NotJson),
    }
}

fn of_connection(error: &reqwest::Error) -> AskError {
    if error.is_timeout() {
        AskError::Slow
    } else if error.is_decode() {
        // Compressed, and damaged.
        AskError::NotJson
    } else {
        AskError::Unreachable(words(error))
    }
}
