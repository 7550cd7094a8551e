//! From which pages a request may come: the service's own origin and the allowed ones.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use tower::{
    layer::util::Identity,
    util::{Either, option_layer},
};
use tower_http::cors::{AllowOrigin, CorsLayer};
use url::Url;

use crate::http::{host::host, problem::Problem};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// An origin as browsers send it, for example `https://shop.example`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(String);

impl Origin {
    /// Takes scheme, host and port of an http or https URL, and nothing else; they may be written in any way that
    /// means the same.
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.trim().split_once("://")?;
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        // A URL's reader forgives these, and would take something else for the host.
        let forgiven = |character: char| "/\\?#@*".contains(character) || character.is_whitespace();
        if authority.is_empty() || authority.contains(forgiven) {
            return None;
        }
        let mut url = Url::parse(&format!("{scheme}://{authority}")).ok()?;
        // With the dot of the root zone it is the same host; some proxies take the dot away, and browsers leave it.
        if let Some(host) = url.host_str().and_then(|host| host.strip_suffix('.')).map(str::to_owned) {
            url.set_host(Some(&host)).ok()?;
        }
        matches!(url.scheme(), "http" | "https").then(|| Self(url.origin().ascii_serialization()))
    }

    /// The origin as text, without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The origins that may use the service besides its own.
#[derive(Debug, Clone, Default)]
pub struct AllowedOrigins {
    origins: Vec<Origin>,
    /// Which headers their pages may send, besides those that every page may.
    headers: Vec<HeaderName>,
}

impl AllowedOrigins {
    /// A list, most often empty.
    pub fn new(origins: Vec<Origin>) -> Self {
        Self { origins, headers: Vec::new() }
    }

    /// The same, whose pages may also send these headers.
    pub fn with_headers(self, headers: Vec<HeaderName>) -> Self {
        Self { headers, ..self }
    }

    fn allows(&self, origin: &HeaderValue) -> bool {
        sent(origin).is_some_and(|origin| self.origins.contains(&origin))
    }

    /// Refuses a POST from a page that has no business here. `by_cookie` says whether the browser signed the request
    /// by itself, as it does with a cookie: then a foreign page could have sent it.
    pub fn check(&self, headers: &HeaderMap, by_cookie: bool) -> Result<(), Problem> {
        match only(headers, header::ORIGIN) {
            Some(Only(origin)) if is_own(origin, headers) || self.allows(origin) => Ok(()),
            Some(_) => Err(Problem::new(
                StatusCode::FORBIDDEN,
                "foreign_origin",
                "Requests from this origin are not allowed; the service's setting allowed-origin names those that are.",
            )),
            None if !by_cookie => Ok(()),
            None => match only(headers, SEC_FETCH_SITE) {
                Some(Only(site)) if site == "same-origin" => Ok(()),
                _ => Err(Problem::new(
                    StatusCode::FORBIDDEN,
                    "no_origin",
                    "A request that is signed in by a cookie needs an Origin header, or Sec-Fetch-Site: same-origin.",
                )),
            },
        }
    }

    /// Answers preflights and marks answers, so that pages of allowed origins may read them. Where there are none, no page asks, and no
    /// request pays for it.
    pub fn cross_origin_layer(&self) -> Either<CorsLayer, Identity> {
        option_layer((!self.origins.is_empty()).then(|| self.cross_origin()))
    }

    fn cross_origin(&self) -> CorsLayer {
        let allowed = self.clone();
        let usual = [header::AUTHORIZATION, header::CACHE_CONTROL, header::CONTENT_TYPE];
        CorsLayer::new()
            .allow_origin(AllowOrigin::predicate(move |origin, _| allowed.allows(origin)))
            .allow_credentials(true)
            .allow_methods([Method::POST, Method::DELETE])
            .allow_headers(usual.into_iter().chain(self.headers.iter().cloned()).collect::<Vec<_>>())
            .expose_headers([header::RETRY_AFTER])
            .max_age(std::time::Duration::from_secs(600))
    }
}

/// How often a header was sent that is sent once, or not at all.
enum Sent<'headers> {
    Only(&'headers HeaderValue),
    Several,
}
use Sent::{Only, Several};

/// The header; of several nobody knows which one a proxy went by.
fn only(headers: &HeaderMap, name: HeaderName) -> Option<Sent<'_>> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    Some(if values.next().is_some() { Several } else { Only(first) })
}

/// The origin of a header.
fn sent(origin: &HeaderValue) -> Option<Origin> {
    Origin::parse(origin.to_str().ok()?)
}

/// Whether the origin is the host that the browser asked. Behind a proxy the scheme is not known, so either will do:
/// a host without its port, or with the default one of the origin's own scheme.
fn is_own(origin: &HeaderValue, headers: &HeaderMap) -> bool {
    let (Some(origin), Some(host)) = (sent(origin), host(headers)) else { return false };
    ["http", "https"].iter().any(|scheme| Origin::parse(&format!("{scheme}://{host}")).as_ref() == Some(&origin))
}
