//! Who is asking, and from where: decided before anything else is looked at.

mod claims;
pub mod introspection;
pub mod json_web_keys;
pub mod origin;
pub mod questions;
pub mod refusal;
mod sent_tokens;
pub mod session;
pub mod session_token;
pub mod site_session;

pub use sent_tokens::{bearer_token, cookies};

use axum::http::{HeaderMap, StatusCode};

use crate::{customer::CustomerId, http::problem::Problem};
use json_web_keys::KeysError;
use origin::AllowedOrigins;
use sent_tokens::SentTokens;
use session::{SessionError, SessionSource};

/// The site's settings for who is let in.
#[derive(Clone)]
pub struct AdmissionSettings {
    /// Who knows whose session it is.
    pub session: SessionSource,
    /// Which origins may ask.
    pub origins: AllowedOrigins,
}

/// What decides who is let in.
#[derive(Clone)]
pub struct Admission {
    session: SessionSource,
    /// Which origins may ask.
    pub origins: AllowedOrigins,
}

impl Admission {
    /// By these settings.
    pub fn new(AdmissionSettings { session, origins }: AdmissionSettings) -> Self {
        Self { session, origins }
    }

    /// The customer who sent a POST, or 403 for a foreign page, or 401 when nobody is signed in.
    pub async fn customer(&self, headers: &HeaderMap) -> Result<CustomerId, Problem> {
        let tokens = self.sent_tokens(headers);
        // Without any session there is nothing that a foreign page could abuse: 401 says more than 403 then.
        self.origins.check(headers, tokens.by_cookie() && self.session.is_sent(headers, &tokens))?;
        match self.session.customer(headers, &tokens).await {
            Ok(Some(customer)) => Ok(customer),
            Ok(None) => Err(Problem::new(StatusCode::UNAUTHORIZED, "not_signed_in", "Nobody is signed in.")),
            Err(error) => Err(session_problem(error)),
        }
    }

    /// Lets a guest's POST in: 403 for a foreign page, and 409 for a signed-in customer, who must never be taken for a
    /// guest. The cookie of an expired session signs nobody in; an invalid bearer token is the page's mistake.
    pub async fn guest(&self, headers: &HeaderMap) -> Result<(), Problem> {
        // The guest's cookie authenticates the request, even if there is none yet: the answer sets it.
        self.origins.check(headers, true)?;
        let tokens = self.sent_tokens(headers);
        match self.session.customer(headers, &tokens).await {
            Ok(None) => Ok(()),
            Err(SessionError::Refused(_)) if tokens.by_cookie() => Ok(()),
            Ok(Some(_)) => {
                let detail = "Somebody is signed in: their tokens are given at /livechat/token.";
                Err(Problem::new(StatusCode::CONFLICT, "signed_in", detail))
            }
            Err(error) => Err(session_problem(error)),
        }
    }

    /// The cookie of the site's sessions, where it has a name.
    pub fn session_cookie(&self) -> Option<&str> {
        match &self.session {
            SessionSource::Site(site) => site.cookie(),
            SessionSource::Tokens(_) | SessionSource::Introspection(_) => self.session.cookie(),
        }
    }

    /// Whether session tokens can be checked; the error says why not.
    pub async fn check(&self) -> Result<(), KeysError> {
        match self.session.public_keys() {
            Some(keys) => keys.check().await,
            None => Ok(()),
        }
    }

    /// Reads the site's keys again, and says whether there are any to read.
    pub async fn reload_keys(&self) -> Result<bool, KeysError> {
        match self.session.public_keys() {
            Some(keys) => keys.reload().await.map(|()| true),
            None => Ok(false),
        }
    }

    fn sent_tokens<'a>(&self, headers: &'a HeaderMap) -> SentTokens<'a> {
        SentTokens::of(headers, self.session.cookie())
    }
}

fn session_problem(error: SessionError) -> Problem {
    match error {
        SessionError::Refused(refusal) => {
            tracing::info!(code = refusal.code(), reason = refusal.reason(), "a session was refused");
            refusal.into()
        }
        SessionError::Keys(error) => {
            tracing::error!(%error, "no session token can be checked");
            let detail = "Session tokens cannot be checked: the site's keys are not available.";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "session_keys_unavailable", detail).with_retry_after(5)
        }
        SessionError::Unanswered(error) => {
            tracing::error!(%error, "whose session it is could not be asked");
            let detail = "Whose session it is cannot be found out: who knows does not answer as it should.";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "session_source_unavailable", detail).with_retry_after(5)
        }
    }
}
