//! Encrypts a signed token for one consumer: JSON Web Encryption (RFC 7516) with RSA-OAEP-256 and A256GCM.

use std::{fmt, fs, path::Path, sync::Arc};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    rsa::{OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey, PublicKey, PublicKeyComponents},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use crate::{
    json_web_key::{as_number, key_id},
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

impl EncryptionKey {
    /// Reads a public key from PEM or from a JSON Web Key; the error says what was expected, and what is there instead.
    pub fn read(file: &Path) -> Result<Self, String> {
        let path = file.display();
        let bytes = fs::read(file).map_err(|error| format!("expected a readable file, {path} is not: {error}"))?;
        Self::find(&ascii(&bytes), &bytes, &path).map_err(|found| {
            format!(
                "expected an RSA public key of at least {SMALLEST_KEY} bits for RSA-OAEP-256, as PEM (BEGIN PUBLIC KEY) or as a JSON Web Key, {path} {found}"
            )
        })
    }

    /// Reads a public key from PEM or from a JSON Web Key.
    pub fn parse(text: &str) -> Option<Self> {
        Self::find(text, text.as_bytes(), &"it").ok()
    }

    /// Reads what stands in a file. The error is what it holds instead of a key, and what to do.
    fn find(text: &str, bytes: &[u8], path: &impl fmt::Display) -> Result<Self, String> {
        let public = |how: &str| format!("run: openssl {how} -in {path} -out {path}.pub");
        let (components, id) = match text.trim_start().starts_with('{') {
            true => of_web_key(text)?,
            false => {
                let (found, unended) = sections(text);
                let label = |wanted: &str| found.iter().find(|section| section.label.ends_with(wanted));
                // PKCS#1 says RSA in its label; one of the library's readers knows both.
                let section = match (label("PUBLIC KEY"), label("PRIVATE KEY"), label("CERTIFICATE"), unended) {
                    (Some(section), ..) => section,
                    (None, Some(_), ..) => return Err(format!("holds a private key; {}", public("pkey -pubout"))),
                    (None, None, Some(_), _) => {
                        return Err(format!("holds a certificate; {}", public("x509 -pubkey -noout")));
                    }
                    (None, None, None, Some(label)) => return Err(format!("has no line with -----END {label}-----")),
                    (None, None, None, None) if bytes.first() == Some(&0x30) => {
                        let convert = public("pkey -pubin -inform DER -pubout");
                        return Err(format!("holds no PEM, perhaps the same in DER; {convert}"));
                    }
                    (None, None, None, None) => return Err("holds neither".to_owned()),
                };
                let key = section.content().and_then(|document| PublicKey::from_der(&document).ok());
                (PublicKeyComponents::from(&key.ok_or("holds a damaged one, or one that is not RSA")?), None)
            }
        };
        Self::new(components, id).ok_or_else(|| "holds one of fewer bits".to_owned())
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

/// A public key as a JSON Web Key, alone or as the only one of a set; and its id. A private one has members that are not meant to be here.
fn of_web_key(text: &str) -> Result<(PublicKeyComponents<Vec<u8>>, Option<String>), String> {
    let found: Map<String, Value> = serde_json::from_str(text).map_err(|_| "holds JSON that is damaged")?;
    let key = match found.get("keys").and_then(Value::as_array).map(Vec::as_slice) {
        None => &found,
        Some([Value::Object(only)]) => only,
        Some(keys) => return Err(format!("holds a set of {} keys where one is expected", keys.len())),
    };
    let is_silent_or =
        |member: &str, value: &str| key.get(member).is_none_or(|found| found.is_null() || *found == value);
    if key.get("kty").is_none_or(|kind| kind != "RSA") {
        return Err("holds a key of another kind".to_owned());
    }
    if key.contains_key("d") {
        return Err("holds a private key: give only its public members".to_owned());
    }
    if !is_silent_or("alg", "RSA-OAEP-256") || !is_silent_or("use", "enc") {
        return Err("holds a key for another purpose (alg, use)".to_owned());
    }
    let number = |member: &str| {
        let text = key.get(member).and_then(Value::as_str).and_then(|text| as_number(text, None));
        text.and_then(|text| URL_SAFE_NO_PAD.decode(text).ok()).ok_or_else(|| format!("holds a damaged one ({member})"))
    };
    Ok((PublicKeyComponents { n: number("n")?, e: number("e")? }, key.get("kid").and_then(key_id)))
}
