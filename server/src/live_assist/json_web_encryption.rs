//! Encrypts a signed token for one consumer: JSON Web Encryption (RFC 7516) with RSA-OAEP-256 and A256GCM.

use std::{fs, path::Path, sync::Arc};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    rsa::{OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey, PublicKey, PublicKeyComponents},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::{
    random::random_bytes,
    signing_keys::{
        SigningError,
        pem_text::{ascii, sections},
        rsa_thumbprint,
    },
};

/// RFC 7518, section 4.3.
const SMALLEST_KEY: usize = 2048;

/// The consumer's public key.
#[derive(Clone)]
pub struct EncryptionKey {
    id: String,
    key: Arc<OaepPublicEncryptingKey>,
}

/// A public key as a JSON Web Key; a private one has members besides these and is not meant to be here.
#[derive(Deserialize)]
struct WebKey {
    kty: String,
    n: String,
    e: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    key_use: Option<String>,
    d: Option<Value>,
}

impl EncryptionKey {
    /// Reads a public key from PEM or from a JSON Web Key; the error says what was expected.
    pub fn read(file: &Path) -> Result<Self, String> {
        let bytes =
            fs::read(file).map_err(|error| format!("expected a readable file, {} is not: {error}", file.display()))?;
        Self::parse(&ascii(&bytes)).ok_or_else(|| {
            format!(
                "expected an RSA public key of at least {SMALLEST_KEY} bits for RSA-OAEP-256, as PEM (BEGIN PUBLIC KEY) or as a JSON Web Key, {} is none",
                file.display()
            )
        })
    }

    /// Reads a public key from PEM or from a JSON Web Key.
    pub fn parse(text: &str) -> Option<Self> {
        if text.trim_start().starts_with('{') {
            let key: WebKey = serde_json::from_str(text).ok()?;
            let fits = key.kty == "RSA"
                && key.d.is_none()
                && key.alg.is_none_or(|algorithm| algorithm == "RSA-OAEP-256")
                && key.key_use.is_none_or(|key_use| key_use == "enc");
            let components = PublicKeyComponents {
                n: URL_SAFE_NO_PAD.decode(&key.n).ok()?,
                e: URL_SAFE_NO_PAD.decode(&key.e).ok()?,
            };
            return if fits { Self::new(components, key.kid) } else { None };
        }
        let (found, _) = sections(text);
        let document = found.iter().find(|section| section.label == "PUBLIC KEY")?.content()?;
        let key = PublicKey::from_der(&document).ok()?;
        Self::new(PublicKeyComponents::from(&key), None)
    }

    fn new(components: PublicKeyComponents<Vec<u8>>, id: Option<String>) -> Option<Self> {
        let (modulus, exponent) = (URL_SAFE_NO_PAD.encode(&components.n), URL_SAFE_NO_PAD.encode(&components.e));
        let id = id.unwrap_or_else(|| rsa_thumbprint(&modulus, &exponent));
        let key: PublicEncryptingKey = components.try_into().ok()?;
        let key = OaepPublicEncryptingKey::new(key).ok().filter(|key| key.key_size_bits() >= SMALLEST_KEY)?;
        Some(Self { id, key: Arc::new(key) })
    }

    /// A signed token, encrypted. `iat` and `exp` are repeated in the header (RFC 7519, section 5.3): a browser that
    /// cannot look inside has to know when to ask again.
    pub fn encrypt(&self, token: &str, issued: u64, expires: u64) -> Result<String, SigningError> {
        let failed = |_| SigningError::Library;
        let header = json!({
            "alg": "RSA-OAEP-256", "enc": "A256GCM", "typ": "JWT", "cty": "JWT", "kid": self.id,
            "iat": issued, "exp": expires,
        });
        let header = URL_SAFE_NO_PAD.encode(header.to_string());
        let content_key = Zeroizing::new(random_bytes::<32>().map_err(|_| SigningError::Library)?);
        let mut wrapped = vec![0; self.key.ciphertext_size()];
        let wrapped =
            self.key.encrypt(&OAEP_SHA256_MGF1SHA256, content_key.as_slice(), &mut wrapped, None).map_err(failed)?;
        // The key is used once, so any nonce is unique for it.
        let nonce = random_bytes::<12>().map_err(|_| SigningError::Library)?;
        let sealing = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, content_key.as_slice()).map_err(failed)?);
        let mut content = token.as_bytes().to_vec();
        let tag = sealing
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(header.as_bytes()), &mut content)
            .map_err(failed)?;
        let parts = [&*wrapped, &nonce, &content, tag.as_ref()].map(|part| URL_SAFE_NO_PAD.encode(part));
        Ok(format!("{header}.{}", parts.join(".")))
    }
}
