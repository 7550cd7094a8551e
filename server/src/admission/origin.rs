//! From which pages a request may come: the service's own origin and the allowed ones.

use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use tower_http::cors::{AllowOrigin, CorsLayer};
use url::Url;

use crate::http::problem::Problem;

/// An origin as browsers send it, for example `https://shop.example`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(String);

impl Origin {
    /// Takes scheme, host and port of an http or https URL, and nothing else.
    pub fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let origin = url.origin().ascii_serialization();
        let alone = text.eq_ignore_ascii_case(&origin) || text.eq_ignore_ascii_case(&format!("{origin}/"));
        (matches!(url.scheme(), "http" | "https") && alone).then_some(Self(origin))
    }

    /// The origin as text, without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The origins that may use the service besides its own.
#[derive(Debug, Clone, Default)]
pub struct AllowedOrigins(Vec<Origin>);

impl AllowedOrigins {
    /// A list, most often empty.
    pub fn new(origins: Vec<Origin>) -> Self {
        Self(origins)
    }

    fn allows(&self, origin: &[u8]) -> bool {
        self.0.iter().any(|allowed| allowed.as_str().as_bytes() == origin)
    }

    /// Refuses a POST from a page that has no business here. `by_cookie` says whether the browser signed the request
    /// by itself, as it does with a cookie: then a foreign page could have sent it.
    pub fn check(&self, headers: &HeaderMap, by_cookie: bool) -> Result<(), Problem> {
        match headers.get(header::ORIGIN) {
            Some(origin) if is_own(origin, headers.get(header::HOST)) || self.allows(origin.as_bytes()) => Ok(()),
            Some(_) => Err(Problem::new(
                StatusCode::FORBIDDEN,
                "foreign_origin",
                "Requests from this origin are not allowed; the service's setting allowed-origin names those that are.",
            )),
            None if !by_cookie => Ok(()),
            None => match headers.get("sec-fetch-site") {
                Some(site) if site == "same-origin" => Ok(()),
                _ => Err(Problem::new(
                    StatusCode::FORBIDDEN,
                    "no_origin",
                    "A request that is signed in by a cookie needs an Origin header, or Sec-Fetch-Site: same-origin.",
                )),
            },
        }
    }

    /// Answers preflights and marks answers, so that pages of allowed origins may read them.
    pub fn cross_origin_layer(&self) -> CorsLayer {
        let allowed = self.clone();
        CorsLayer::new()
            .allow_origin(AllowOrigin::predicate(move |origin, _| allowed.allows(origin.as_bytes())))
            .allow_credentials(true)
            .allow_methods([Method::POST, Method::DELETE])
            .allow_headers([header::AUTHORIZATION, header::CACHE_CONTROL, header::CONTENT_TYPE])
            .expose_headers([header::RETRY_AFTER])
            .max_age(std::time::Duration::from_secs(600))
    }
}

/// Whether the origin is the host that the browser asked. Behind a proxy the scheme is not known, so either will do.
fn is_own(origin: &HeaderValue, host: Option<&HeaderValue>) -> bool {
    let (Ok(origin), Some(Ok(host))) = (origin.to_str(), host.map(HeaderValue::to_str)) else { return false };
    ["http", "https"].iter().any(|scheme| {
        let own = Origin::parse(&format!("{scheme}://{host}"));
        own.is_some_and(|own| own.as_str() == origin)
    })
}
