//! Who the customer is: read from the site's own session token, a signed JWT, and from nothing else.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use aws_lc_rs::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, decode, decode_header, errors::ErrorKind};
use quick_cache::sync::Cache;
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use serde_json::{Map, Value};

use super::{
    json_web_keys::{JsonWebKeys, KeysError},
    refusal::Refusal,
};
use crate::{clock::seconds, customer::CustomerId};

/// How far the clocks of the site and of this service may differ, in seconds.
pub(super) const CLOCK_TOLERANCE: u64 = 5;
/// The algorithms of a secret that both sides have.
const SHARED_SECRET_ALGORITHMS: [Algorithm; 3] = [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512];
/// Longest session token that is looked at.
pub(super) const LONGEST_TOKEN: usize = 16 * 1024;
/// How many sessions are remembered, and for how long without being checked anew.
const REMEMBERED: usize = 100_000;
const REMEMBERED_FOR: Duration = Duration::from_secs(600);

/// A secret shared with the site, and the one algorithm for which it is used.
#[derive(Clone)]
pub struct SessionSecret {
    /// HS256, HS384 or HS512.
    pub algorithm: Algorithm,
    /// The secret itself.
    pub bytes: SecretSlice<u8>,
}

impl From<SecretString> for SessionSecret {
    /// What most sites have: the text's own bytes, for HS256.
    fn from(text: SecretString) -> Self {
        Self { algorithm: Algorithm::HS256, bytes: text.expose_secret().as_bytes().to_vec().into() }
    }
}

/// What signs the session tokens.
#[derive(Clone)]
pub enum SessionKey {
    /// A secret shared with the site.
    Secret(SessionSecret),
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
pub enum TokenError {
    /// The token itself.
    #[error("{}", .0.reason())]
    Refused(Refusal),
    /// The keys to check it with could not be had.
    #[error(transparent)]
    Keys(#[from] KeysError),
}

impl From<Refusal> for TokenError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// A session token that was found good.
#[derive(Clone)]
struct Session {
    customer: CustomerId,
    /// When it ends, in seconds since 1970.
    expiry: u64,
    /// When it was checked.
    checked: Instant,
    /// By which of the site's sets of keys.
    generation: u64,
}

/// The digest of a session token, by which it is remembered: what is in memory opens none.
type TokenDigest = [u8; SHA256_OUTPUT_LEN];

/// Reads the site's session tokens. Those that were found good are remembered: pages send the same one again and again.
#[derive(Clone)]
pub struct SessionTokens {
    settings: SessionSettings,
    sessions: Arc<Cache<TokenDigest, Session>>,
}

impl SessionTokens {
    /// The tokens that these settings believe.
    pub fn new(settings: SessionSettings) -> Self {
        Self { settings, sessions: Arc::new(Cache::new(REMEMBERED)) }
    }

    /// The site's public keys, when it signs with these.
    pub fn public_keys(&self) -> Option<&JsonWebKeys> {
        match &self.settings.key {
            SessionKey::Secret(_) => None,
            SessionKey::PublicKeys(keys) => Some(keys),
        }
    }

    /// The cookie that holds the token.
    pub fn cookie(&self) -> &str {
        &self.settings.cookie
    }

    /// The customer that a session token names.
    pub async fn customer(&self, token: &str) -> Result<CustomerId, TokenError> {
        let generation = self.public_keys().map_or(0, JsonWebKeys::generation);
        let mut key = TokenDigest::default();
        key.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        if let Some(session) = self.sessions.get(&key) {
            let is_over = session.expiry.saturating_add(CLOCK_TOLERANCE) < seconds(SystemTime::now());
            if !is_over && session.generation == generation && session.checked.elapsed() < REMEMBERED_FOR {
                return Ok(session.customer);
            }
        }
        let claims = Box::pin(self.claims(token)).await?;
        let customer = customer_in(&claims, &self.settings.customer_claim)?;
        // One whose end is no whole number is good, and checked each time.
        if let Some(expiry) = claims.get("exp").and_then(Value::as_u64) {
            let session = Session { customer: customer.clone(), expiry, checked: Instant::now(), generation };
            self.sessions.insert(key, session);
        }
        Ok(customer)
    }

    /// The claims of a token that is good.
    async fn claims(&self, token: &str) -> Result<Map<String, Value>, TokenError> {
        let header = read_header(token)?;
        let keys = self.keys(&header).await?;
        let validation = self.validation(header.alg);
        let mut refusal = Refusal::WrongKey;
        for key in &keys {
            match decode::<Map<String, Value>>(token, key, &validation) {
                Ok(decoded) => return Ok(decoded.claims),
                // The signature is checked first: a key that finds another fault is the one that signed.
                Err(error) => match refusal_of(error.kind()) {
                    Refusal::WrongKey => {}
                    other => refusal = other,
                },
            }
        }
        Err(refusal.into())
    }

    /// The keys that may have signed a token with this header. The algorithm is fixed by them, never by the token alone.
    async fn keys(&self, header: &Header) -> Result<Vec<DecodingKey>, TokenError> {
        match &self.settings.key {
            SessionKey::Secret(secret) if header.alg == secret.algorithm => {
                Ok(vec![DecodingKey::from_secret(secret.bytes.expose_secret())])
            }
            SessionKey::Secret(_) => Err(Refusal::Algorithm.into()),
            SessionKey::PublicKeys(_) if SHARED_SECRET_ALGORITHMS.contains(&header.alg) => {
                Err(Refusal::Algorithm.into())
            }
            SessionKey::PublicKeys(keys) => {
                let fitting = keys.fitting(header.alg, header.kid.as_deref()).await?;
                if fitting.is_empty() && keys.fitting(header.alg, None).await?.is_empty() {
                    return Err(Refusal::Algorithm.into());
                }
                Ok(fitting.into_iter().map(|key| key.key).collect())
            }
        }
    }

    fn validation(&self, algorithm: Algorithm) -> Validation {
        let mut validation = Validation::new(algorithm);
        validation.leeway = CLOCK_TOLERANCE;
        validation.validate_nbf = true;
        validation.validate_aud = self.settings.audience.is_some();
        let mut required = vec!["exp"];
        if let Some(issuer) = &self.settings.issuer {
            validation.set_issuer(&[issuer]);
            required.push("iss");
        }
        if let Some(audience) = &self.settings.audience {
            validation.set_audience(&[audience]);
            required.push("aud");
        }
        validation.set_required_spec_claims(&required);
        validation
    }
}

/// The header of a token that can be looked at any further.
fn read_header(token: &str) -> Result<Header, Refusal> {
    if token.len() > LONGEST_TOKEN {
        return Err(Refusal::Malformed);
    }
    let part = token.split('.').next().and_then(|part| URL_SAFE_NO_PAD.decode(part).ok()).unwrap_or_default();
    let members: Map<String, Value> = serde_json::from_slice(&part).map_err(|_| Refusal::Malformed)?;
    // RFC 7515, section 4.1.11. A list that is none is no better.
    if members.contains_key("crit") {
        return Err(Refusal::Critical);
    }
    // `none`, for example, is no algorithm of a key.
    let algorithm = members.get("alg").and_then(Value::as_str).ok_or(Refusal::Malformed)?;
    algorithm.parse::<Algorithm>().map_err(|_| Refusal::Algorithm)?;
    decode_header(token).map_err(|_| Refusal::Malformed)
}

fn refusal_of(error: &ErrorKind) -> Refusal {
    match error {
        ErrorKind::InvalidSignature | ErrorKind::InvalidAlgorithm => Refusal::WrongKey,
        ErrorKind::ExpiredSignature => Refusal::Expired,
        ErrorKind::ImmatureSignature => Refusal::NotYetValid,
        ErrorKind::InvalidIssuer => Refusal::Issuer,
        ErrorKind::InvalidAudience => Refusal::Audience,
        ErrorKind::MissingRequiredClaim(claim) => match claim.as_str() {
            "iss" => Refusal::Issuer,
            "aud" => Refusal::Audience,
            _ => Refusal::NoExpiry,
        },
        _ => Refusal::Malformed,
    }
}

/// The customer's id in a session's claims: text, or a whole number.
pub(super) fn customer_in(claims: &Map<String, Value>, claim: &str) -> Result<CustomerId, Refusal> {
    let id = match claims.get(claim) {
        Some(Value::String(text)) => CustomerId::parse(text),
        Some(Value::Number(number)) if number.is_i64() || number.is_u64() => CustomerId::parse(&number.to_string()),
        _ => None,
    };
    id.ok_or(Refusal::NoCustomer)
}
