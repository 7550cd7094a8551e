//! A site's sessions, whichever kind it has: a signed token, the site's own answer, or that of who issued the token.

use axum::http::HeaderMap;

use super::{
    introspection::Introspection,
    json_web_keys::{JsonWebKeys, KeysError},
    questions::{AskError, NoCustomer},
    refusal::Refusal,
    sent_tokens::SentTokens,
    session_token::{SessionSettings, SessionTokens, TokenError},
    site_session::SiteSessions,
};
use crate::customer::CustomerId;

/// Who knows whose session it is.
#[derive(Clone)]
pub enum SessionSource {
    /// The session is a token that is checked here.
    Tokens(SessionTokens),
    /// The site is asked.
    Site(SiteSessions),
    /// The session is a token of which its issuer is asked.
    Introspection(Introspection),
}

impl From<SessionSettings> for SessionSource {
    fn from(settings: SessionSettings) -> Self {
        Self::Tokens(SessionTokens::new(settings))
    }
}

/// Why a session names nobody.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The session itself.
    #[error("{}", .0.reason())]
    Refused(Refusal),
    /// The keys to check it with could not be had.
    #[error(transparent)]
    Keys(KeysError),
    /// Whoever knows could not be asked.
    #[error("whose session it is could not be asked: {0}")]
    Unanswered(AskError),
}

impl SessionError {
    /// Whether it is said of the session, and not of what it should be checked with.
    fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused(_))
    }
}

impl From<TokenError> for SessionError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Refused(refusal) => Self::Refused(refusal),
            TokenError::Keys(error) => Self::Keys(error),
        }
    }
}

fn answered(answer: Result<CustomerId, NoCustomer>) -> Result<Option<CustomerId>, SessionError> {
    match answer {
        Ok(customer) => Ok(Some(customer)),
        Err(NoCustomer::Nobody) => Ok(None),
        Err(NoCustomer::Refused(refusal)) => Err(SessionError::Refused(refusal)),
        Err(NoCustomer::Failed(error)) => Err(SessionError::Unanswered(error)),
    }
}

impl SessionSource {
    /// The cookie that holds a session token, where sessions are tokens.
    pub(super) fn cookie(&self) -> Option<&str> {
        match self {
            Self::Tokens(tokens) => Some(tokens.cookie()),
            Self::Introspection(introspection) => Some(introspection.cookie()),
            Self::Site(_) => None,
        }
    }

    /// The site's public keys, where it signs its sessions with these.
    pub(super) fn public_keys(&self) -> Option<&JsonWebKeys> {
        match self {
            Self::Tokens(tokens) => tokens.public_keys(),
            Self::Introspection(_) | Self::Site(_) => None,
        }
    }

    /// The setting that says which source it is.
    pub fn setting(&self) -> &'static str {
        match self {
            Self::Tokens(tokens) if tokens.public_keys().is_some() => "session-jwks",
            Self::Tokens(_) => "session-secret",
            Self::Site(_) => "session-url",
            Self::Introspection(_) => "session-introspection-url",
        }
    }

    /// Tries the source without anybody's session; the error says what is to be done.
    pub async fn probe(&self) -> Result<(), String> {
        let somebody = "it names a customer to who shows no session: have it answer 401 then";
        match self {
            Self::Tokens(tokens) => match tokens.public_keys() {
                Some(keys) => keys.check().await.map_err(|error| format!("no key to check sessions with, {error}")),
                None => Ok(()),
            },
            Self::Site(site) => match site.probe().await {
                Ok(_) => Err(somebody.to_owned()),
                Err(NoCustomer::Failed(error)) => Err(format!("not usable, {error}")),
                Err(NoCustomer::Nobody | NoCustomer::Refused(_)) => Ok(()),
            },
            Self::Introspection(introspection) => match introspection.probe().await {
                Ok(_) => Err("not usable, it says that an invented token is good".to_owned()),
                Err(NoCustomer::Failed(error)) => Err(format!("not usable, {error}")),
                Err(NoCustomer::Nobody | NoCustomer::Refused(_)) => Ok(()),
            },
        }
    }

    /// Whether the request has anything that could be a session; its session tokens are passed in.
    pub(super) fn is_sent(&self, headers: &HeaderMap, tokens: &SentTokens<'_>) -> bool {
        match self {
            Self::Site(site) => site.is_sent(headers),
            Self::Tokens(_) | Self::Introspection(_) => tokens.iter().next().is_some(),
        }
    }

    /// The customer whose session the request has: of several tokens, the first that is good. What has to wait for others is boxed, so that
    /// no request carries the room for it.
    pub(super) async fn customer(
        &self,
        headers: &HeaderMap,
        tokens: &SentTokens<'_>,
    ) -> Result<Option<CustomerId>, SessionError> {
        if let Self::Site(site) = self {
            return answered(Box::pin(site.customer(headers)).await);
        }
        let mut refused = None;
        for token in tokens.iter() {
            match self.customer_of_token(token).await {
                Ok(None) => {}
                Err(error) if error.is_refusal() => refused = refused.or(Some(error)),
                // It may be possible to check the next one, and until then nobody is a stranger.
                Err(error) => refused = Some(error),
                found => return found,
            }
        }
        refused.map_or(Ok(None), Err)
    }

    async fn customer_of_token(&self, token: &str) -> Result<Option<CustomerId>, SessionError> {
        match self {
            Self::Tokens(tokens) => Ok(Some(tokens.customer(token).await?)),
            Self::Introspection(introspection) => answered(Box::pin(introspection.customer(token)).await),
            Self::Site(_) => Ok(None),
        }
    }
}
