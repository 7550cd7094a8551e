//! Who is asking, and from where: decided before anything else is looked at.

use axum::http::{HeaderMap, StatusCode, header};
use cookie::Cookie;

use crate::{
    origin::AllowedOrigins,
    problem::Problem,
    session_token::{CustomerId, SessionError, SessionSettings},
};

/// What decides who is let in.
#[derive(Clone)]
pub struct Admission {
    /// Which session tokens are believed.
    pub session: SessionSettings,
    /// Which origins may ask.
    pub origins: AllowedOrigins,
}

impl Admission {
    /// The customer who sent a POST, or 403 for a foreign page, or 401 when nobody is signed in.
    pub async fn customer(&self, headers: &HeaderMap) -> Result<CustomerId, Problem> {
        let bearer = bearer_token(headers);
        let by_cookie = bearer.is_none();
        let token = bearer.or_else(|| cookie(headers, &self.session.cookie));
        // Without any token there is nothing that a foreign page could abuse: 401 says more than 403 then.
        self.origins.check(headers, by_cookie && token.is_some())?;
        let Some(token) = token else {
            return Err(Problem::new(StatusCode::UNAUTHORIZED, "not_signed_in", "Nobody is signed in."));
        };
        self.session.customer(&token).await.map_err(|error| match error {
            SessionError::Invalid(reason) => {
                tracing::debug!(reason, "a session token was refused");
                Problem::new(StatusCode::UNAUTHORIZED, "session_invalid", "The session token is not valid any more.")
            }
            SessionError::Keys(error) => {
                tracing::error!(%error, "no session token can be checked");
                let detail = "Session tokens cannot be checked: the site's keys are not available.";
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, "session_keys_unavailable", detail).with_retry_after(5)
            }
        })
    }
}

/// The token of an `Authorization: Bearer` header.
pub fn bearer_token(headers: &HeaderMap) -> Option<String> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
}

/// The value of a request's cookie.
pub fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(Cookie::split_parse)
        .filter_map(Result::ok)
        .find(|cookie| cookie.name() == name)
        .map(|cookie| cookie.value().to_owned())
}
