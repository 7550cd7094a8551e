//! How scopes are told apart in storage without storing who they are.

use hmac_sha256::HMAC;

/// A digest that tells scopes apart: HMAC-SHA-256 under a salt that is the origin's own and new after every sign-out, as hexadecimal
/// digits. Each part goes in with its length, so that no two lists of parts look the same.
pub(super) fn scope_digest(salt: &str, session: &str, identity: Option<&str>) -> String {
    let mut digest = HMAC::new(salt);
    for part in [session, if identity.is_some() { "signed in" } else { "nobody" }, identity.unwrap_or_default()] {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    let digits = digest.finalize().into_iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(u32::from(digit), 16)).collect()
}
