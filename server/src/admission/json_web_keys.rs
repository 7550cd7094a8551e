//! The public keys that sign session tokens: a JSON Web Key Set (RFC 7517) from a file or a URL.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse},
};
use url::Url;

/// A set is fetched again when it is older than this.
const MAXIMUM_AGE: Duration = Duration::from_secs(600);
/// An unknown key id makes the set be fetched again, but never more often than this: anybody can invent key ids.
const MINIMUM_AGE: Duration = Duration::from_secs(30);
/// Longest set that is read.
const LONGEST_SET: usize = 256 * 1024;

/// The keys could not be had.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The URL did not answer with a key set.
    #[error("the key set could not be fetched: {0}")]
    Fetch(String),
    /// The text is no key set.
    #[error("no JSON Web Key Set with a usable public key")]
    NoKeySet,
}

/// One public key and the algorithms it may be used with.
#[derive(Clone)]
pub struct PublicKey {
    id: Option<String>,
    algorithms: Vec<Algorithm>,
    /// The key itself.
    pub key: DecodingKey,
}

impl PublicKey {
    /// Whether a token with this header may be checked with this key.
    pub fn fits(&self, algorithm: Algorithm, id: Option<&str>) -> bool {
        let same_id = match (id, self.id.as_deref()) {
            (Some(wanted), Some(own)) => wanted == own,
            _ => true,
        };
        same_id && self.algorithms.contains(&algorithm)
    }

    /// Only asymmetric keys: a shared secret in a public set would let anybody sign.
    fn read(jwk: &Jwk) -> Option<Self> {
        if jwk.common.public_key_use.as_ref().is_some_and(|key_use| *key_use != PublicKeyUse::Signature) {
            return None;
        }
        use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
        let possible: &[Algorithm] = match &jwk.algorithm {
            AlgorithmParameters::RSA(_) => &[RS256, RS384, RS512, PS256, PS384, PS512],
            AlgorithmParameters::EllipticCurve(curve) => match curve.curve {
                EllipticCurve::P256 => &[ES256],
                EllipticCurve::P384 => &[ES384],
                _ => &[],
            },
            AlgorithmParameters::OctetKeyPair(_) => &[EdDSA],
            _ => &[],
        };
        let stated = jwk.common.key_algorithm;
        let fits = |algorithm: &Algorithm| stated.is_none_or(|stated| stated == KeyAlgorithm::from(*algorithm));
        let algorithms: Vec<Algorithm> = possible.iter().copied().filter(fits).collect();
        let key = DecodingKey::from_jwk(jwk).ok()?;
        (!algorithms.is_empty()).then(|| Self { id: jwk.common.key_id.clone(), algorithms, key })
    }
}

/// Reads a key set; keys that cannot be used are left out, but one has to remain.
pub fn read_keys(text: &[u8]) -> Result<Vec<PublicKey>, KeysError> {
    let set: JwkSet = serde_json::from_slice(text).map_err(|_| KeysError::NoKeySet)?;
    let keys: Vec<PublicKey> = set.keys.iter().filter_map(PublicKey::read).collect();
    if keys.is_empty() { Err(KeysError::NoKeySet) } else { Ok(keys) }
}

struct Remote {
    http: reqwest::Client,
    url: Url,
    /// One fetch at a time; when the last one began.
    last_try: tokio::sync::Mutex<Option<Instant>>,
}

/// The keys in hand, and when they were fetched.
#[derive(Clone, Default)]
struct Known {
    keys: Arc<Vec<PublicKey>>,
    fetched: Option<Instant>,
}

/// The keys, kept up to date.
#[derive(Clone)]
pub struct JsonWebKeys {
    known: Arc<RwLock<Known>>,
    remote: Option<Arc<Remote>>,
}

impl JsonWebKeys {
    /// Keys that never change.
    pub fn fixed(keys: Vec<PublicKey>) -> Self {
        Self { known: Arc::new(RwLock::new(Known { keys: Arc::new(keys), fetched: None })), remote: None }
    }

    /// Keys that are fetched when they are first needed.
    pub fn remote(url: Url, timeout: Duration) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder().timeout(timeout).redirect(reqwest::redirect::Policy::none()).build()?;
        let remote = Remote { http, url, last_try: tokio::sync::Mutex::new(None) };
        Ok(Self { known: Arc::default(), remote: Some(Arc::new(remote)) })
    }

    /// The keys that fit a token's header. Keys in hand outlive a fetch that fails.
    pub async fn fitting(&self, algorithm: Algorithm, id: Option<&str>) -> Result<Vec<PublicKey>, KeysError> {
        let select = |keys: &[PublicKey]| -> Vec<PublicKey> {
            keys.iter().filter(|key| key.fits(algorithm, id)).cloned().collect()
        };
        let Known { keys, fetched } = self.known();
        let found = select(&keys);
        let Some(remote) = &self.remote else { return Ok(found) };
        let old = fetched.is_none_or(|fetched| fetched.elapsed() > MAXIMUM_AGE);
        if !found.is_empty() && !old {
            return Ok(found);
        }
        let mut last_try = remote.last_try.lock().await;
        // Somebody else may have fetched while this one waited for the lock.
        let Known { keys, fetched: now_fetched } = self.known();
        let tried_lately = last_try.is_some_and(|at| at.elapsed() < MINIMUM_AGE);
        if now_fetched != fetched || (tried_lately && !keys.is_empty()) {
            return Ok(select(&keys));
        }
        *last_try = Some(Instant::now());
        match remote.fetch().await {
            Ok(fresh) => {
                let fresh = Arc::new(fresh);
                let known = Known { keys: Arc::clone(&fresh), fetched: Some(Instant::now()) };
                *self.known.write().unwrap_or_else(PoisonError::into_inner) = known;
                Ok(select(&fresh))
            }
            Err(error) if keys.is_empty() => Err(error),
            Err(error) => {
                tracing::warn!(%error, "the session keys stay as they were");
                Ok(select(&keys))
            }
        }
    }

    fn known(&self) -> Known {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Remote {
    async fn fetch(&self) -> Result<Vec<PublicKey>, KeysError> {
        let failed = |error: reqwest::Error| KeysError::Fetch(error.without_url().to_string());
        let mut response = self.http.get(self.url.clone()).send().await.map_err(failed)?;
        if !response.status().is_success() {
            return Err(KeysError::Fetch(format!("status {}", response.status().as_u16())));
        }
        let mut text = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if text.len() + chunk.len() > LONGEST_SET {
                return Err(KeysError::Fetch(format!("longer than {LONGEST_SET} bytes")));
            }
            text.extend_from_slice(&chunk);
        }
        read_keys(&text)
    }
}
