//! Signs JSON Web Tokens with RS256 (RFC 7519, RFC 7515).

use std::{sync::Arc, time::Duration};

use axum::http::StatusCode;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;

use super::SigningKeys;
use crate::{
    clock::{Clock, seconds},
    http::problem::Problem,
};

/// So many bytes of claims most tokens have at most; others have their room made anew.
const CLAIMS: usize = 1024;

/// A token could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SigningError {
    /// Every key's time is yet to come: the clock was set back.
    #[error("no signing key is active")]
    NoActiveKey,
    /// The cryptographic library refused.
    #[error("the cryptographic library failed")]
    Library,
}

impl From<SigningError> for Problem {
    fn from(error: SigningError) -> Self {
        tracing::error!(%error, "no token could be signed");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "signing_unavailable", "No token can be signed at the moment.")
            .with_retry_after(5)
    }
}

/// The claims of RFC 7519, section 4.1, that tokens have.
#[derive(Serialize)]
pub struct RegisteredClaims<'a> {
    /// The issuer.
    pub iss: &'a str,
    /// The subject.
    pub sub: &'a str,
    /// When it was issued, in seconds since 1970.
    pub iat: u64,
    /// When it ends.
    pub exp: u64,
    /// Before when it is not good.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nbf: Option<u64>,
    /// For whom it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aud: Option<&'a str>,
}

/// What signs, for whom, and by which clock.
#[derive(Clone)]
pub struct Signer {
    keys: SigningKeys,
    issuer: Arc<str>,
    clock: Clock,
}

impl Signer {
    /// A signer of one site.
    pub fn new(keys: SigningKeys, issuer: &str, clock: Clock) -> Self {
        Self { keys, issuer: Arc::from(issuer), clock }
    }

    /// The keys.
    pub fn keys(&self) -> &SigningKeys {
        &self.keys
    }

    /// The time in seconds since 1970, as it stands in claims.
    pub fn now(&self) -> u64 {
        seconds(self.clock.now().wall)
    }

    /// The claims that every token has: issuer, subject, and a life of whole seconds that begins now.
    pub fn claims<'a>(&'a self, subject: &'a str, lifetime: Duration) -> RegisteredClaims<'a> {
        let now = self.now();
        RegisteredClaims {
            iss: &self.issuer,
            sub: subject,
            iat: now,
            exp: now.saturating_add(lifetime.as_secs()),
            nbf: None,
            aud: None,
        }
    }

    /// The signed token. It takes a third of a millisecond, which is too short to be worth another thread.
    pub fn sign(&self, claims: &impl Serialize) -> Result<String, SigningError> {
        let keys = self.keys.current();
        let key = keys.active(self.now()).ok_or(SigningError::NoActiveKey)?;
        let mut text = Vec::with_capacity(CLAIMS);
        serde_json::to_writer(&mut text, claims).map_err(|_| SigningError::Library)?;
        // A third longer for base64url, and the signature of the longest key.
        let mut token = String::with_capacity(key.header().len() + text.len() * 4 / 3 + 700);
        token.push_str(key.header());
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(text, &mut token);
        let signature = key.sign(token.as_bytes()).ok_or(SigningError::Library)?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }
}
