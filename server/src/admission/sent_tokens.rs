//! The session tokens that a request brings: one that the page sent, or those of cookies.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, header};
use cookie::Cookie;

/// The session tokens of a request.
pub(super) enum SentTokens<'a> {
    /// The page sent one.
    Bearer(&'a str),
    /// Those that the browser sent by itself, if any.
    Cookies(Vec<String>),
}

impl<'a> SentTokens<'a> {
    /// The bearer token, or else those in cookies of this name, where sessions have one.
    pub(super) fn of(headers: &'a HeaderMap, cookie: Option<&str>) -> Self {
        match bearer_token(headers) {
            Some(bearer) => Self::Bearer(bearer),
            None => Self::Cookies(cookie.map(|name| cookies(headers, name)).unwrap_or_default()),
        }
    }

    /// Whether the browser would send them for any page.
    pub(super) fn by_cookie(&self) -> bool {
        matches!(self, Self::Cookies(_))
    }

    /// Each of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        let (bearer, cookies) = match self {
            Self::Bearer(bearer) => (Some(*bearer), [].as_slice()),
            Self::Cookies(cookies) => (None, cookies.as_slice()),
        };
        bearer.into_iter().chain(cookies.iter().map(String::as_str))
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
