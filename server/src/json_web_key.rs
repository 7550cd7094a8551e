//! Members of JSON Web Keys and of tokens' headers, read as their writers' libraries write them (RFC 7517, RFC 7518).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

use crate::lax_base64::from_base64;

/// A key's id. A number is what some write for its text; what is neither is none.
pub(crate) fn key_id(id: &Value) -> Option<String> {
    match id {
        Value::String(id) => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}

/// A key's number as RFC 7518 wants it (section 2, Base64urlUInt, and section 6.2.1.2): in base64url without padding, and without the
/// zero that some libraries put before it, or as long as its curve wants it.
pub(crate) fn as_number(text: &str, length: Option<usize>) -> Option<String> {
    let bytes = from_base64(text)?;
    let digits = bytes.iter().position(|byte| *byte != 0).and_then(|first| bytes.get(first..))?;
    let zeros = length.unwrap_or_default().saturating_sub(digits.len());
    Some(URL_SAFE_NO_PAD.encode([vec![0; zeros].as_slice(), digits].concat()))
}
