//! The public keys that sign session tokens: a JSON Web Key Set (RFC 7517) from a file or a URL.

use std::{
    fs,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::{Duration, Instant},
};

use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm},
};
use reqwest::header::LOCATION;
use serde_json::{Map, Value};
use tokio::sync::watch;
use url::Url;

use crate::{
    byte_order_mark::unmarked,
    http::{client::asking_client_for, connection_failure::words},
    json_web_key::{as_number, key_id, known_algorithm},
};

/// Longest set that is read.
const LONGEST_SET: usize = 256 * 1024;

/// When a set is fetched again.
#[derive(Debug, Clone, Copy)]
pub struct KeyAges {
    /// It is, when it is older than this; until the new one is there, the old one serves.
    pub maximum: Duration,
    /// An unknown key id makes it be fetched again, but never more often than this: anybody can invent key ids.
    pub minimum: Duration,
    /// After a fetch that failed, the next one begins no sooner; whoever asks meanwhile hears of that failure.
    pub pause: Duration,
}

impl Default for KeyAges {
    fn default() -> Self {
        Self { maximum: Duration::from_secs(600), minimum: Duration::from_secs(30), pause: Duration::from_secs(1) }
    }
}

/// The keys could not be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    /// The URL did not answer with a key set.
    #[error("the key set could not be fetched: {0}")]
    Fetch(String),
    /// The file cannot be read.
    #[error("the file of the key set cannot be read: {0}")]
    File(std::io::ErrorKind),
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

    /// Only asymmetric keys: a shared secret in a public set would let anybody sign. Of the members, only those that
    /// make the key and say what it is for are looked at: whatever else is odd in one is no matter here.
    fn read(member: &Value) -> Option<Self> {
        let member = member.as_object()?;
        // What is empty says nothing.
        let text = |name: &str| member.get(name).filter(|value| !value.is_null() && *value != "");
        if text("use").is_some_and(|key_use| key_use != "sig") {
            return None;
        }
        let verifies = |operations: &Vec<Value>| operations.iter().any(|operation| operation == "verify");
        let operations = member.get("key_ops").and_then(Value::as_array).filter(|operations| !operations.is_empty());
        if operations.is_some_and(|operations| !verifies(operations)) {
            return None;
        }
        let length = match member.get("crv").and_then(Value::as_str) {
            Some("P-256") => Some(32),
            Some("P-384") => Some(48),
            _ => None,
        };
        let is_curve = member.contains_key("crv");
        let needed = ["kty", "alg", "crv", "n", "e", "x", "y"].into_iter().filter_map(|name| {
            let value = match (name, text(name)?) {
                ("alg", Value::String(text)) => Value::String(known_algorithm(text).to_owned()),
                ("n" | "e", Value::String(text)) if !is_curve => Value::String(as_number(text, None)?),
                ("x" | "y", Value::String(text)) if length.is_some() => Value::String(as_number(text, length)?),
                (_, value) => value.clone(),
            };
            Some((name.to_owned(), value))
        });
        let jwk: Jwk = serde_json::from_value(Value::Object(needed.collect())).ok()?;
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
        let key = DecodingKey::from_jwk(&jwk).ok()?;
        let id = text("kid").and_then(key_id);
        (!algorithms.is_empty()).then_some(Self { id, algorithms, key })
    }
}

/// Reads a key set; keys that cannot be used are left out, but one has to remain.
pub fn read_keys(text: &[u8]) -> Result<Vec<PublicKey>, KeysError> {
    let set: Map<String, Value> = serde_json::from_slice(unmarked(text)).map_err(|_| KeysError::NoKeySet)?;
    let members = set.get("keys").and_then(Value::as_array).ok_or(KeysError::NoKeySet)?;
    let keys: Vec<PublicKey> = members.iter().filter_map(PublicKey::read).collect();
    if keys.is_empty() { Err(KeysError::NoKeySet) } else { Ok(keys) }
}

/// What came of a fetch.
type Outcome = Result<(), KeysError>;

/// The fetch that runs, and the last one that ended.
#[derive(Default)]
struct Fetches {
    running: Option<watch::Receiver<Option<Outcome>>>,
    last: Option<(Instant, Outcome)>,
    is_kept_fresh: bool,
}

struct Remote {
    http: reqwest::Client,
    url: Url,
    ages: KeyAges,
    fetches: Mutex<Fetches>,
}

enum Source {
    Fixed,
    File(PathBuf),
    Remote(Remote),
}

/// The keys in hand, and when they were fetched.
#[derive(Clone, Default)]
struct Known {
    keys: Arc<Vec<PublicKey>>,
    fetched: Option<Instant>,
    /// How many sets there were before.
    generation: u64,
}

struct Shared {
    known: RwLock<Known>,
    source: Source,
}

/// The keys, kept up to date.
#[derive(Clone)]
pub struct JsonWebKeys(Arc<Shared>);

impl JsonWebKeys {
    /// Keys that never change.
    pub fn fixed(keys: Vec<PublicKey>) -> Self {
        Self::of(keys, Source::Fixed)
    }

    /// Keys of a file, which is read now, and again when the process is told to.
    pub fn file(file: PathBuf) -> Result<Self, KeysError> {
        Ok(Self::of(read_file(&file)?, Source::File(file)))
    }

    /// Keys that are fetched when they are first needed, and then kept fresh. A fetch may take so long.
    pub fn remote(url: Url, timeout: Duration) -> Result<Self, reqwest::Error> {
        Self::remote_with(url, timeout, KeyAges::default())
    }

    /// The same, with its own ages.
    pub fn remote_with(url: Url, timeout: Duration, ages: KeyAges) -> Result<Self, reqwest::Error> {
        let http = asking_client_for(&url).timeout(timeout).build()?;
        Ok(Self::of(Vec::new(), Source::Remote(Remote { http, url, ages, fetches: Mutex::default() })))
    }

    fn of(keys: Vec<PublicKey>, source: Source) -> Self {
        Self(Arc::new(Shared { known: RwLock::new(Known { keys: Arc::new(keys), ..Known::default() }), source }))
    }

    /// The keys that fit a token's header. Keys in hand are given at once, however old, and outlive a fetch that fails.
    /// Only who needs others waits for the one fetch that runs for all.
    pub async fn fitting(&self, algorithm: Algorithm, id: Option<&str>) -> Result<Vec<PublicKey>, KeysError> {
        let select = |known: Known| -> Vec<PublicKey> {
            known.keys.iter().filter(|key| key.fits(algorithm, id)).cloned().collect()
        };
        let known = self.known();
        let (is_empty, fetched) = (known.keys.is_empty(), known.fetched);
        let found = select(known);
        let Source::Remote(remote) = &self.0.source else { return Ok(found) };
        if !found.is_empty() {
            if fetched.is_none_or(|fetched| fetched.elapsed() > remote.ages.maximum) {
                self.fetch(remote, remote.ages.pause);
            }
            return Ok(found);
        }
        let least_age = if is_empty { remote.ages.pause } else { remote.ages.minimum };
        self.fetch(remote, least_age).outcome().await?;
        Ok(select(self.known()))
    }

    /// The keys that fit, where there are others than those of this generation by now. Whoever signs with a new key under an old
    /// id, or without any, is known by nothing else than a signature that no key in hand has made.
    pub(super) async fn fitting_since(
        &self,
        generation: u64,
        algorithm: Algorithm,
        id: Option<&str>,
    ) -> Option<Vec<PublicKey>> {
        if let Source::Remote(remote) = &self.0.source {
            // Keys in hand outlive a fetch that fails: the token is refused by these.
            let _ = self.fetch(remote, remote.ages.minimum).outcome().await;
        }
        if self.generation() == generation {
            return None;
        }
        Some(self.known().keys.iter().filter(|key| key.fits(algorithm, id)).cloned().collect())
    }

    /// Whether there are keys to check session tokens with, fetched if need be.
    pub async fn check(&self) -> Result<(), KeysError> {
        match &self.0.source {
            Source::Remote(remote) if self.known().keys.is_empty() => {
                self.fetch(remote, remote.ages.pause).outcome().await
            }
            _ => Ok(()),
        }
    }

    /// Reads the keys anew, whatever their age. Keys in hand stay until there are others. A fetch that began before may bring the
    /// keys of before, or nothing for as long as it may take: its end is awaited, and then comes another.
    pub async fn reload(&self) -> Result<(), KeysError> {
        match &self.0.source {
            Source::Fixed => Ok(()),
            Source::File(file) => {
                self.set(read_file(file)?);
                Ok(())
            }
            Source::Remote(remote) => {
                let running = remote.lock().running.clone();
                if let Some(running) = running {
                    // Whatever came of it, the next one decides.
                    let _ = Fetch::Running(running).outcome().await;
                }
                self.fetch(remote, Duration::ZERO).outcome().await
            }
        }
    }

    /// Another number for each set of keys: what was checked by an earlier one has to be checked anew.
    pub(super) fn generation(&self) -> u64 {
        self.0.known.read().unwrap_or_else(PoisonError::into_inner).generation
    }

    fn known(&self) -> Known {
        self.0.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, keys: Vec<PublicKey>) {
        let mut known = self.0.known.write().unwrap_or_else(PoisonError::into_inner);
        let generation = known.generation + 1;
        *known = Known { keys: Arc::new(keys), fetched: Some(Instant::now()), generation };
    }

    /// Joins the fetch that runs, or begins one, unless the last one succeeded less than `least_age` ago or failed a
    /// pause ago: then its outcome is that of this one. It runs on when nobody waits for it any more.
    fn fetch(&self, remote: &Remote, least_age: Duration) -> Fetch {
        let mut fetches = remote.lock();
        if let Some(running) = fetches.running.as_ref().filter(|running| running.has_changed().is_ok()) {
            return Fetch::Running(running.clone());
        }
        if let Some((at, outcome)) = &fetches.last {
            let least_age = if outcome.is_ok() { least_age } else { least_age.min(remote.ages.pause) };
            if at.elapsed() < least_age {
                return Fetch::Ended(outcome.clone());
            }
        }
        let (tell, running) = watch::channel(None);
        fetches.running = Some(running.clone());
        let keys = self.clone();
        tokio::spawn(async move {
            let Source::Remote(remote) = &keys.0.source else { return };
            let outcome = match remote.get().await {
                Ok(fresh) => {
                    keys.set(fresh);
                    Ok(())
                }
                Err(error) => {
                    tracing::warn!(%error, "the session keys stay as they were");
                    Err(error)
                }
            };
            let mut fetches = remote.lock();
            fetches.running = None;
            fetches.last = Some((Instant::now(), outcome.clone()));
            // Nobody may be waiting any more.
            let _ = tell.send(Some(outcome));
        });
        if !fetches.is_kept_fresh {
            fetches.is_kept_fresh = true;
            self.keep_fresh(remote.ages.maximum);
        }
        Fetch::Running(running)
    }

    /// Fetches again at each end of the keys' time, also when nobody asks: who comes after a quiet night is not let in
    /// by a key that was taken back in the evening.
    fn keep_fresh(&self, interval: Duration) {
        let shared = Arc::downgrade(&self.0);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(interval).await;
                let Some(shared) = shared.upgrade() else { return };
                let keys = Self(shared);
                if let Source::Remote(remote) = &keys.0.source {
                    keys.fetch(remote, remote.ages.pause);
                }
            }
        });
    }
}

/// A fetch that runs for everybody who waits for it, or what came of the last one.
enum Fetch {
    Running(watch::Receiver<Option<Outcome>>),
    Ended(Outcome),
}

impl Fetch {
    async fn outcome(self) -> Outcome {
        match self {
            Self::Ended(outcome) => outcome,
            Self::Running(mut running) => {
                let told = running.wait_for(Option::is_some).await.ok().and_then(|told| told.clone());
                told.unwrap_or_else(|| Err(KeysError::Fetch("it was interrupted".to_owned())))
            }
        }
    }
}

fn read_file(file: &PathBuf) -> Result<Vec<PublicKey>, KeysError> {
    read_keys(&fs::read(file).map_err(|error| KeysError::File(error.kind()))?)
}

impl Remote {
    fn lock(&self) -> std::sync::MutexGuard<'_, Fetches> {
        self.fetches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn get(&self) -> Result<Vec<PublicKey>, KeysError> {
        let failed = |error: reqwest::Error| KeysError::Fetch(words(&error));
        let mut response = self.http.get(self.url.clone()).send().await.map_err(failed)?;
        let status = response.status();
        if status.is_redirection() && response.headers().contains_key(LOCATION) {
            let what =
                format!("status {}, a redirect, which is not followed: set the URL that it leads to", status.as_u16());
            return Err(KeysError::Fetch(what));
        }
        if !status.is_success() {
            return Err(KeysError::Fetch(format!("status {}", status.as_u16())));
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
