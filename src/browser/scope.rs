//! How scopes are told apart in storage without storing who they are.

use hmac_sha256::Hash;

const DIGITS: &str = "0123456789abcdef";

/// The length of a salt, in digits.
const SALT: usize = 32;

/// What tells scopes apart: a salt of its own, and SHA-256 under it, as hexadecimal digits. Each part goes in with its length, so that no two
/// lists of parts look the same.
pub(super) fn scope_digest(salt: &str, session: &str, identity: Option<&str>) -> String {
    let mut digest = Hash::new();
    let signed_in = if identity.is_some() { "signed in" } else { "nobody" };
    for part in [salt, session, signed_in, identity.unwrap_or_default()] {
        digest.update((part.len() as u32).to_be_bytes().as_slice());
        digest.update(part.as_bytes());
    }
    let mut digits = salt.to_owned();
    for byte in digest.finalize() {
        for digit in [byte >> 4, byte & 15].map(usize::from) {
            digits.push_str(DIGITS.get(digit..=digit).unwrap_or_default());
        }
    }
    digits
}

/// The salt that stands before a digest.
pub(super) fn salt_of(scope: &str) -> &str {
    scope.get(..SALT).unwrap_or_default()
}
