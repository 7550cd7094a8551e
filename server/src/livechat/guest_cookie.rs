//! The cookie by which a guest is known: a secret in the browser, of which the service keeps only the digest.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use cookie::{Cookie, SameSite};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::{
    admission::cookies,
    customer::GuestId,
    http::problem::Problem,
    loopback::is_loopback,
    random::{NoRandomness, random_token},
};

/// Browsers accept a cookie with this prefix only from this very host and over a secure connection: neither another host of
/// the site's domain nor somebody on the network can give a visitor a guest of their own.
const NAME: &str = "__Host-livechat-guest";
/// The name without `Secure`, because browsers refuse the prefix then.
const INSECURE_NAME: &str = "livechat-guest";
/// The length of 256 bits in base64url.
const SECRET_LENGTH: usize = 43;
/// How many cookies of this name are looked at: more than a browser could have.
const MOST: usize = 3;

/// What the cookie holds: 256 random bits as base64url.
pub struct GuestSecret(SecretString);

impl GuestSecret {
    /// A new one.
    pub fn new() -> Result<Self, NoRandomness> {
        Ok(Self(SecretString::from(random_token()?)))
    }

    fn parse(text: &str) -> Option<Self> {
        let fits = text.len() == SECRET_LENGTH && URL_SAFE_NO_PAD.decode(text).is_ok();
        fits.then(|| Self(SecretString::from(text)))
    }

    /// What the database stores of it.
    pub fn id(&self) -> GuestId {
        GuestId::of_secret(self.0.expose_secret())
    }
}

/// How the cookie is written and read.
#[derive(Debug, Clone, Copy)]
pub struct GuestCookie {
    secure: bool,
    /// In seconds.
    lifetime: i64,
}

impl GuestCookie {
    /// A cookie that lives so long; whether it is `Secure`.
    pub fn new(secure: bool, lifetime: Duration) -> Self {
        let lifetime = i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX);
        Self { secure, lifetime }
    }

    fn name(self) -> &'static str {
        if self.secure { NAME } else { INSECURE_NAME }
    }

    /// Whether a request has the cookie, whatever is in it.
    pub fn is_sent(self, headers: &HeaderMap) -> bool {
        !cookies(headers, self.name()).is_empty()
    }

    /// What may be a guest's secret in a request: usually one or none; more if somebody forged them.
    pub fn read(self, headers: &HeaderMap) -> Vec<GuestSecret> {
        cookies(headers, self.name()).iter().filter_map(|text| GuestSecret::parse(text)).take(MOST).collect()
    }

    /// Refuses a request whose browser would not keep the cookie: each of its visits would create a customer.
    pub fn check_kept(self, headers: &HeaderMap) -> Result<(), Problem> {
        if headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site") {
            let detail = "Browsers keep a guest's cookie only when the service is of the page's own site.";
            return Err(Problem::new(StatusCode::FORBIDDEN, "cross_site", detail));
        }
        let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
        let origin = origin.and_then(|origin| Url::parse(origin).ok());
        if self.secure && origin.is_some_and(|origin| origin.scheme() == "http" && !is_loopback(&origin)) {
            let detail = "Guests need a page that is served over https: browsers would not keep their cookie.";
            return Err(Problem::new(StatusCode::FORBIDDEN, "insecure_page", detail));
        }
        Ok(())
    }

    /// `Set-Cookie` for a guest who stays.
    pub fn set(self, secret: &GuestSecret) -> Option<HeaderValue> {
        self.header(secret.0.expose_secret(), self.lifetime)
    }

    /// `Set-Cookie` for a guest who has ended.
    pub fn ended(self) -> Option<HeaderValue> {
        self.header("", 0)
    }

    fn header(self, value: &str, seconds: i64) -> Option<HeaderValue> {
        let cookie = Cookie::build((self.name(), value))
            .path("/")
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(self.secure)
            .max_age(time::Duration::seconds(seconds));
        let mut header = HeaderValue::from_str(&cookie.build().to_string()).ok()?;
        header.set_sensitive(true);
        Some(header)
    }
}
