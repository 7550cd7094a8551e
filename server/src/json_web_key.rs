//! Members of JSON Web Keys and of tokens' headers, read as their writers' libraries write them (RFC 7517, RFC 7518).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

use crate::lax_base64::from_base64;

/// A key's id. A number is what some write for its text; what is neither is none, and an empty one says nothing.
pub(crate) fn key_id(id: &Value) -> Option<String> {
    match id {
        Value::String(id) if !id.is_empty() => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}

/// The name under which the libraries here know an algorithm. RFC 9864 gave EdDSA with Ed25519 a name of its own, and writers of
/// tokens and keys have begun to use it: the same signatures by the same keys.
pub(crate) fn known_algorithm(name: &str) -> &str {
    if name == "Ed25519" { "EdDSA" } else { name }
}

/// A key's number as RFC 7518 wants it (section 2, Base64urlUInt, and section 6.2.1.2): in base64url without padding, and without the
/// zero that some libraries put before it, or as long as its curve wants it.
pub(crate) fn as_number(text: &str, length: Option<usize>) -> Option<String> {
    let bytes = from_base64(text)?;
    let digits = bytes.iter().position(|byte| *byte != 0).and_then(|first| bytes.get(first..))?;
    let zeros = length.unwrap_or_default().saturating_sub(digits.len());
    Some(URL_SAFE_NO_PAD.encode([vec![0; zeros].as_slice(), digits].concat()))
}
