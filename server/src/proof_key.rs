//! Proof Key for Code Exchange (PKCE, RFC 7636) with S256.

use aws_lc_rs::digest::{SHA256, digest};
use axum::http::StatusCode;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::http::problem::Problem;

/// A well-formed S256 code challenge: a SHA-256 hash in unpadded base64url.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeChallenge(String);

impl CodeChallenge {
    /// Takes 43 characters of base64url that decode to 32 bytes; anything else is None.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        (bytes.len() == 32).then(|| Self(text.to_owned()))
    }

    /// The same, with the answer to whoever sent something else.
    pub fn read(text: &str) -> Result<Self, Problem> {
        Self::parse(text).ok_or_else(|| {
            let detail = "code_challenge has to be 43 characters of base64url: the SHA-256 hash of the code verifier.";
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_code_challenge", detail)
        })
    }

    /// The challenge of a verifier (43 to 128 unreserved characters); None when it is not one.
    pub fn of_verifier(verifier: &str) -> Option<Self> {
        let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let well_formed = (43..=128).contains(&verifier.len()) && verifier.bytes().all(unreserved);
        well_formed.then(|| Self(URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))))
    }

    /// The 43 characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_7636() {
        let challenge = CodeChallenge::of_verifier("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").unwrap();
        assert_eq!(challenge.as_str(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        assert_eq!(CodeChallenge::parse(challenge.as_str()), Some(challenge));
    }

    #[test]
    fn what_is_no_challenge() {
        let good = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        for bad in ["", "E9Mel", &good[..42], &format!("{good}A"), &format!("{good}="), &good.replace('-', "+")] {
            assert_eq!(CodeChallenge::parse(bad), None, "{bad}");
        }
        assert_eq!(CodeChallenge::of_verifier("too-short"), None);
    }
}
