//! Who the customer is: read from the site's own session token, a signed JWT, and from nothing else.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use super::json_web_keys::{JsonWebKeys, KeysError};
use crate::customer::CustomerId;

/// How far the clocks of the site and of this service may differ, in seconds.
const CLOCK_TOLERANCE: u64 = 5;
/// Longest session token that is looked at.
const LONGEST_TOKEN: usize = 16 * 1024;

/// What signs the session tokens.
#[derive(Clone)]
pub enum SessionKey {
    /// A secret shared with the site: HS256.
    Secret(SecretString),
    /// The site's public keys.
    PublicKeys(JsonWebKeys),
}

/// Which session tokens are believed.
#[derive(Clone)]
pub struct SessionSettings {
    /// What signs them.
    pub key: SessionKey,
    /// `iss` has to be this, when set.
    pub issuer: Option<String>,
    /// `aud` has to be or hold this, when set.
    pub audience: Option<String>,
    /// The claim that holds the customer's id.
    pub customer_claim: String,
    /// The cookie that holds the token.
    pub cookie: String,
}

/// Why a session token names nobody.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// Malformed, expired, not signed by the site, or without a customer's id.
    #[error("the session token is not valid: {0}")]
    Invalid(&'static str),
    /// The keys to check it with could not be had.
    #[error(transparent)]
    Keys(#[from] KeysError),
}

/// Reads the site's session tokens.
#[derive(Clone)]
pub struct SessionTokens(SessionSettings);

impl SessionTokens {
    /// The tokens that these settings believe.
    pub fn new(settings: SessionSettings) -> Self {
        Self(settings)
    }

    /// The site's public keys, when it signs with these.
    pub fn public_keys(&self) -> Option<&JsonWebKeys> {
        match &self.0.key {
            SessionKey::Secret(_) => None,
            SessionKey::PublicKeys(keys) => Some(keys),
        }
    }

    /// The cookie that holds the token.
    pub fn cookie(&self) -> &str {
        &self.0.cookie
    }

    /// The customer that the first valid one of these session tokens names; nobody when there is none at all.
    pub async fn customer_of(&self, tokens: &[String]) -> Result<Option<CustomerId>, SessionError> {
        let mut refused = None;
        for token in tokens {
            match self.customer(token).await {
                Ok(customer) => return Ok(Some(customer)),
                // The keys may be there for the next one's algorithm or id, and without them nobody is a stranger.
                Err(error @ SessionError::Keys(_)) => refused = Some(error),
                Err(error) => refused = refused.or(Some(error)),
            }
        }
        refused.map_or(Ok(None), Err)
    }

    /// The customer that a session token names.
    pub async fn customer(&self, token: &str) -> Result<CustomerId, SessionError> {
        if token.len() > LONGEST_TOKEN {
            return Err(SessionError::Invalid("it is too long"));
        }
        let header = decode_header(token).map_err(|_| SessionError::Invalid("it is no JWT"))?;
        if has_critical_extensions(token) {
            return Err(SessionError::Invalid("it has extensions that are not understood here"));
        }
        // The algorithm is fixed by the key, never by the token alone.
        let candidates = match &self.0.key {
            SessionKey::Secret(_) if header.alg != Algorithm::HS256 => Vec::new(),
            SessionKey::Secret(secret) => vec![DecodingKey::from_secret(secret.expose_secret().as_bytes())],
            SessionKey::PublicKeys(keys) => {
                keys.fitting(header.alg, header.kid.as_deref()).await?.into_iter().map(|key| key.key).collect()
            }
        };
        let validation = self.validation(header.alg);
        let claims = candidates
            .iter()
            .find_map(|key| decode::<Map<String, Value>>(token, key, &validation).ok())
            .ok_or(SessionError::Invalid("its signature or its claims do not hold"))?
            .claims;
        let id = match claims.get(&self.0.customer_claim) {
            Some(Value::String(text)) => CustomerId::parse(text),
            Some(Value::Number(number)) if number.is_i64() || number.is_u64() => CustomerId::parse(&number.to_string()),
            _ => None,
        };
        id.ok_or(SessionError::Invalid("it has no customer id"))
    }

    fn validation(&self, algorithm: Algorithm) -> Validation {
        let mut validation = Validation::new(algorithm);
        validation.leeway = CLOCK_TOLERANCE;
        validation.validate_nbf = true;
        validation.validate_aud = self.0.audience.is_some();
        let mut required = vec!["exp"];
        if let Some(issuer) = &self.0.issuer {
            validation.set_issuer(&[issuer]);
            required.push("iss");
        }
        if let Some(audience) = &self.0.audience {
            validation.set_audience(&[audience]);
            required.push("aud");
        }
        validation.set_required_spec_claims(&required);
        validation
    }
}

/// Whether the header says that who does not understand its extensions must refuse it (RFC 7515, section 4.1.11). None
/// are understood here, and a list that is none is no better.
fn has_critical_extensions(token: &str) -> bool {
    let header = token.split('.').next().and_then(|part| URL_SAFE_NO_PAD.decode(part).ok()).unwrap_or_default();
    serde_json::from_slice::<Map<String, Value>>(&header).is_ok_and(|header| header.contains_key("crit"))
}
