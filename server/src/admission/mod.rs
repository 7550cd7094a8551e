//! Who is asking, and from where: decided before anything else is looked at.

mod claims;
pub mod introspection;
pub mod json_web_keys;
pub mod origin;
pub mod questions;
pub mod refusal;
pub mod session;
pub mod session_token;
pub mod site_session;

use std::collections::BTreeMap;

use axum::http::{HeaderMap, StatusCode, header};
use cookie::Cookie;

use crate::{customer::CustomerId, http::problem::Problem};
use json_web_keys::KeysError;
use origin::AllowedOrigins;
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

    /// Reads the site's keys again.
    pub async fn reload_keys(&self) -> Result<(), KeysError> {
        match self.session.public_keys() {
            Some(keys) => keys.reload().await,
            None => Ok(()),
        }
    }

    fn sent_tokens<'a>(&self, headers: &'a HeaderMap) -> SentTokens<'a> {
        match bearer_token(headers) {
            Some(bearer) => SentTokens::Bearer(bearer),
            None => SentTokens::Cookies(self.session.cookie().map(|name| cookies(headers, name)).unwrap_or_default()),
        }
    }
}

/// The session tokens of a request.
enum SentTokens<'a> {
    /// The page sent one.
    Bearer(&'a str),
    /// Those that the browser sent by itself, if any.
    Cookies(Vec<String>),
}

impl SentTokens<'_> {
    fn by_cookie(&self) -> bool {
        matches!(self, Self::Cookies(_))
    }

    fn iter(&self) -> impl Iterator<Item = &str> {
        let (bearer, cookies) = match self {
            Self::Bearer(bearer) => (Some(*bearer), [].as_slice()),
            Self::Cookies(cookies) => (None, cookies.as_slice()),
        };
        bearer.into_iter().chain(cookies.iter().map(String::as_str))
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

/// The token of an `Authorization: Bearer` header.
pub fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The values of a request's cookies of this name: a browser may have several, of other paths or parts of the domain.
/// Bytes that are not text make only their own cookie unreadable. An empty cookie is what is left of one that
/// the site has taken back. One that is too long for a browser comes in pieces, `name.0`, `name.1` and so on.
pub fn cookies(headers: &HeaderMap, name: &str) -> Vec<String> {
    let sent = headers.get_all(header::COOKIE).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
    let (mut found, mut pieces) = (Vec::new(), BTreeMap::new());
    for text in sent {
        for cookie in Cookie::split_parse(text.as_ref()).filter_map(Result::ok) {
            let value = cookie.value_trimmed();
            match cookie.name().strip_prefix(name) {
                Some("") if !value.is_empty() => found.push(value.to_owned()),
                Some(rest) => {
                    if let Some(number) = rest.strip_prefix('.').and_then(|number| number.parse::<usize>().ok()) {
                        pieces.entry(number).or_insert_with(|| value.to_owned());
                    }
                }
                None => {}
            }
        }
    }
    let whole = (0..pieces.len()).map_while(|number| pieces.get(&number).map(String::as_str)).collect::<String>();
    found.extend((!whole.is_empty()).then_some(whole));
    found
}
