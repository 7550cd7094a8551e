//! How scopes are told apart in storage without storing who they are.

use hmac_sha256::Hash;

/// A digest that tells scopes apart: SHA-256 under a salt that is the origin's own and new after every sign-out, as hexadecimal digits.
/// Each part goes in with its length, so that no two lists of parts look the same.
pub(super) fn scope_digest(salt: &str, session: &str, identity: Option<&str>) -> String {
    let mut digest = Hash::new();
    let signed_in = if identity.is_some() { "signed in" } else { "nobody" };
    for part in [salt, session, signed_in, identity.unwrap_or_default()] {
        digest.update((part.len() as u32).to_be_bytes());
        digest.update(part);
    }
    let mut digits = String::new();
    for byte in digest.finalize() {
        for digit in [byte >> 4, byte & 15] {
            digits.extend(char::from_digit(u32::from(digit), 16));
        }
    }
    digits
}
