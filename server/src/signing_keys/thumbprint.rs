//! The id of a key that has no other: its thumbprint (RFC 7638).

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// The SHA-256 thumbprint of an RSA key; modulus and exponent are those of its JSON Web Key.
pub fn rsa_thumbprint(modulus: &str, exponent: &str) -> String {
    // The members that make the key, in the order of the alphabet, without spaces.
    let members = format!(r#"{{"e":"{exponent}","kty":"RSA","n":"{modulus}"}}"#);
    URL_SAFE_NO_PAD.encode(digest(&SHA256, members.as_bytes()))
}
