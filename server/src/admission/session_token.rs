//! Who the customer is: read from the site's own session token, a signed JWT, and from nothing else.

use std::{
    borrow::Cow,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use aws_lc_rs::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, crypto::verify};
use quick_cache::sync::Cache;
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use serde_json::{Map, Value};

use super::{
    claims::{CLOCK_TOLERANCE, Demands},
    json_web_keys::{JsonWebKeys, KeysError, PublicKey},
    refusal::Refusal,
};
use crate::{
    clock::seconds,
    customer::CustomerId,
    json_web_key::{key_id, known_algorithm},
};

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
        let generation = self.generation();
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
            // Of the keys in hand before: if others have come since, it is checked once more than it has to be.
            let session = Session { customer: customer.clone(), expiry, checked: Instant::now(), generation };
            self.sessions.insert(key, session);
        }
        Ok(customer)
    }

    /// Another number for each set of the site's keys.
    fn generation(&self) -> u64 {
        self.public_keys().map_or(0, JsonWebKeys::generation)
    }

    /// The claims of a token that is good.
    async fn claims(&self, token: &str) -> Result<Map<String, Value>, TokenError> {
        let header = read_header(token)?;
        let generation = self.generation();
        let mut is_signed = header.is_signed_by(&self.keys(&header).await?);
        if let (false, SessionKey::PublicKeys(keys)) = (is_signed, &self.settings.key) {
            let newer = keys.fitting_since(generation, header.algorithm, header.key_id.as_deref()).await;
            is_signed = newer.is_some_and(|newer| header.is_signed_by(&only_keys(newer)));
        }
        if !is_signed {
            return Err(Refusal::WrongKey.into());
        }
        let claims =
            URL_SAFE_NO_PAD.decode(header.payload).ok().and_then(|claims| serde_json::from_slice(&claims).ok());
        let claims: Map<String, Value> = claims.ok_or(Refusal::Malformed)?;
        // RFC 7519, section 4.1.2.
        if claims.get("sub").is_some_and(|subject| subject.is_array() || subject.is_object()) {
            return Err(Refusal::Malformed.into());
        }
        let demands = Demands {
            issuer: self.settings.issuer.as_deref(),
            audience: self.settings.audience.as_deref(),
            may_be_endless: false,
            grace: CLOCK_TOLERANCE,
        };
        demands.check(&claims, seconds(SystemTime::now()))?;
        Ok(claims)
    }

    /// The keys that may have signed a token with this header. The algorithm is fixed by them, never by the token alone.
    async fn keys(&self, header: &TokenHeader<'_>) -> Result<Vec<DecodingKey>, TokenError> {
        match &self.settings.key {
            SessionKey::Secret(secret) if header.algorithm == secret.algorithm => {
                Ok(vec![DecodingKey::from_secret(secret.bytes.expose_secret())])
            }
            SessionKey::Secret(_) => Err(Refusal::Algorithm.into()),
            SessionKey::PublicKeys(_) if SHARED_SECRET_ALGORITHMS.contains(&header.algorithm) => {
                Err(Refusal::Algorithm.into())
            }
            SessionKey::PublicKeys(keys) => {
                let fitting = keys.fitting(header.algorithm, header.key_id.as_deref()).await?;
                if fitting.is_empty() && keys.fitting(header.algorithm, None).await?.is_empty() {
                    return Err(Refusal::Algorithm.into());
                }
                Ok(only_keys(fitting))
            }
        }
    }
}

fn only_keys(keys: Vec<PublicKey>) -> Vec<DecodingKey> {
    keys.into_iter().map(|key| key.key).collect()
}

/// What is looked at of a token before its signature is known to be good. Of the header that is no more than which key and algorithm
/// made it: no other member changes anything here, whatever it holds.
struct TokenHeader<'token> {
    algorithm: Algorithm,
    key_id: Option<String>,
    /// What is signed: header and payload.
    message: &'token str,
    payload: &'token str,
    signature: &'token str,
}

impl TokenHeader<'_> {
    fn is_signed_by(&self, keys: &[DecodingKey]) -> bool {
        let signed = |key| matches!(verify(self.signature, self.message.as_bytes(), key, self.algorithm), Ok(true));
        keys.iter().any(signed)
    }
}

/// The header of a token that can be looked at any further.
fn read_header(token: &str) -> Result<TokenHeader<'_>, Refusal> {
    if token.len() > LONGEST_TOKEN {
        return Err(Refusal::Malformed);
    }
    let (message, signature) = token.rsplit_once('.').ok_or(Refusal::Malformed)?;
    let (first, payload) = message.split_once('.').ok_or(Refusal::Malformed)?;
    let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| Refusal::Malformed);
    let members: Map<String, Value> = serde_json::from_slice(&decoded(first)?).map_err(|_| Refusal::Malformed)?;
    for part in [payload, signature] {
        decoded(part)?;
    }
    // RFC 7515, section 4.1.11. A list that is none is no better.
    if members.contains_key("crit") {
        return Err(Refusal::Critical);
    }
    // `none`, for example, is no algorithm of a key.
    let algorithm = members.get("alg").and_then(Value::as_str).ok_or(Refusal::Malformed)?;
    let algorithm = known_algorithm(algorithm).parse::<Algorithm>().map_err(|_| Refusal::Algorithm)?;
    Ok(TokenHeader { algorithm, key_id: members.get("kid").and_then(key_id), message, payload, signature })
}

/// What a claim says that holds an id: text, or a whole number.
pub(super) fn id_in(claim: &Value) -> Option<Cow<'_, str>> {
    match claim {
        Value::String(text) => Some(text.into()),
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.to_string().into()),
        _ => None,
    }
}

/// The customer's id in a session's claims; no word for nobody is one.
pub(super) fn customer_in(claims: &Map<String, Value>, claim: &str) -> Result<CustomerId, Refusal> {
    let id = claims.get(claim).and_then(id_in).and_then(|id| CustomerId::of_session(&id));
    id.ok_or(Refusal::NoCustomer)
}
