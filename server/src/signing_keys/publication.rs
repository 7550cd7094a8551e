//! The public keys in the form that each consumer reads.

use base64::{Engine, engine::general_purpose::STANDARD};
use clap::ValueEnum;
use der::{Document, pem::LineEnding};
use serde_json::{Value, json};

use super::{KeySet, SigningKey, State};

/// For how long a key without a known end is announced, in seconds: a year.
const ANNOUNCED: u64 = 365 * 86_400;
const DAY: u64 = 86_400;

/// A consumer's form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A JSON Web Key Set of all keys.
    Jwks,
    /// The active key in PEM.
    Pem,
    /// Omnichannel's list of all keys.
    Omnichannel,
    /// Live Assist's one line of the active key.
    LiveAssist,
}

/// A JSON Web Key Set (RFC 7517).
pub fn web_key_set(keys: &KeySet, now: u64) -> Value {
    let key = |key: &SigningKey| json!({ "kty": "RSA", "use": "sig", "alg": "RS256", "kid": key.id(), "n": key.modulus(), "e": key.exponent() });
    json!({ "keys": keys.published(now).into_iter().map(|(published, _)| key(published)).collect::<Vec<_>>() })
}

/// One public key in PEM, as `openssl rsa -pubout` writes it.
pub fn pem(key: &SigningKey) -> Option<String> {
    Document::try_from(key.public_key_info()).ok()?.to_pem("PUBLIC KEY", LineEnding::LF).ok()
}

/// Omnichannel's list: `publicKey` is the base64 of the whole PEM, `expiry` a time in seconds since 1970.
pub fn omnichannel_list(keys: &KeySet, now: u64) -> Option<Value> {
    let entry = |key: &SigningKey, state: State| {
        let expiry = match state {
            State::Retired(until) => until,
            // The same all day, so that it can be compared and kept.
            _ => now - now % DAY + ANNOUNCED,
        };
        Some(json!({ "kid": key.id(), "publicKey": STANDARD.encode(pem(key)?), "expiry": expiry }))
    };
    keys.published(now).into_iter().map(|(key, state)| entry(key, state)).collect::<Option<Vec<_>>>().map(Value::from)
}

/// Live Assist's "JWT Public Key": the PEM without header, footer and line breaks.
pub fn live_assist_line(key: &SigningKey) -> String {
    STANDARD.encode(key.public_key_info())
}
