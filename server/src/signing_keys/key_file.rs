//! One signing key and its file: PKCS#8 in PEM, above it a line that says from when on it signs.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Display, Path, PathBuf},
};

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der},
    rand::SystemRandom,
    rsa,
    signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair, RsaPublicKeyComponents},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use clap::ValueEnum;
use der::{SecretDocument, pem::LineEnding};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use zeroize::Zeroizing;

use super::{
    pem_text::{ascii, sections, unwrapped},
    private_key_info::PrivateKeyInfo,
    rsa_thumbprint,
};
use crate::mounted_secret::is_mounted_secret;

/// Text above the key is allowed by RFC 7468, section 5.2, and skipped by every other reader.
const ACTIVE_FROM: &str = "Active-From: ";
const LABEL: &str = "PRIVATE KEY";
/// RFC 7518, section 3.3.
const SMALLEST_KEY: usize = 2048;

/// Why a file is no signing key.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// It cannot be read or written.
    #[error("expected a file that can be read, {} is not: {error}", .file.display())]
    File {
        /// Its path.
        file: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Somebody else may read it.
    #[error("expected a file that only its owner can read; run: chmod 600 {}, or mount it with mode 0400", .0.display())]
    Mode(PathBuf),
    /// Its content is something else.
    #[error("expected an RSA key of at least {SMALLEST_KEY} bits as PKCS#8 in PEM, {} {found}", .file.display())]
    NoKey {
        /// Its path.
        file: PathBuf,
        /// What it holds instead, and what to do.
        found: String,
    },
    /// The line above the key is not understood.
    #[error("expected {ACTIVE_FROM}<a time like 2030-01-31T12:00:00Z> above the key in {}", .0.display())]
    NoTime(PathBuf),
    /// The cryptographic library refused.
    #[error("the cryptographic library gave no key")]
    Library,
}

/// Where a key stands.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place<'a> {
    /// In a file.
    File(&'a Path),
    /// In whatever else is called this.
    Elsewhere(&'a str),
}

impl<'a> Place<'a> {
    fn name(self) -> &'a Path {
        match self {
            Self::File(file) => file,
            Self::Elsewhere(name) => Path::new(name),
        }
    }

    /// What to do about a key that stands here: a command, with what it works on where that is a file.
    fn remedy(self, command: &str, on_file: impl FnOnce(Display<'_>) -> String) -> String {
        match self {
            Self::File(file) => format!("run: {command}{}", on_file(file.display())),
            Self::Elsewhere(_) => format!("{command} does that, where the key is a file"),
        }
    }
}

/// How long a new key's modulus is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum KeySize {
    /// Enough, and the quickest.
    #[value(name = "2048")]
    Bits2048,
    /// A third as quick.
    #[value(name = "3072")]
    Bits3072,
    /// A sixth as quick.
    #[value(name = "4096")]
    Bits4096,
}

impl From<KeySize> for rsa::KeySize {
    fn from(size: KeySize) -> Self {
        match size {
            KeySize::Bits2048 => Self::Rsa2048,
            KeySize::Bits3072 => Self::Rsa3072,
            KeySize::Bits4096 => Self::Rsa4096,
        }
    }
}

/// A private key. It has no `Debug`, and the library wipes its memory.
pub struct SigningKey {
    id: String,
    /// The header of its tokens, in base64url.
    header: String,
    file: PathBuf,
    active_from: Option<u64>,
    pair: RsaKeyPair,
    modulus: String,
    exponent: String,
    public_key_info: Vec<u8>,
    bits: usize,
}

impl SigningKey {
    /// A new key, to be written to the folder under its id; in seconds since 1970.
    pub fn generate(folder: &Path, size: KeySize, active_from: u64) -> Result<Self, KeyFileError> {
        let pair = RsaKeyPair::generate(size.into()).map_err(|_| KeyFileError::Library)?;
        let mut key = Self::new(pair, PathBuf::new(), Some(active_from)).ok_or(KeyFileError::Library)?;
        key.file = folder.join(format!("{}.pem", key.id));
        Ok(key)
    }

    /// Reads a file that nobody else may read, but for who shares a container with it.
    pub fn read(file: &Path) -> Result<Self, KeyFileError> {
        let failed = |error| KeyFileError::File { file: file.to_owned(), error };
        let metadata = fs::metadata(file).map_err(failed)?;
        // A file that nobody can write was put there by the system, which has a group for those who may read it:
        // systemd's credentials and Kubernetes' volumes do.
        let others = match is_mounted_secret(file) {
            true => 0o022,
            false if is_of_the_system(&metadata) => 0o037,
            false => 0o077,
        };
        if metadata.mode() & others != 0 && metadata.mode() & 0o777 != 0o440 {
            return Err(KeyFileError::Mode(file.to_owned()));
        }
        Self::parse(&Zeroizing::new(fs::read(file).map_err(failed)?), Place::File(file))
    }

    /// Reads what stands there.
    pub(super) fn parse(bytes: &[u8], place: Place<'_>) -> Result<Self, KeyFileError> {
        let file = place.name();
        let none = |found| KeyFileError::NoKey { file: file.to_owned(), found };
        let text = unwrapped(ascii(bytes));
        let (above, document) = private_key(&text, bytes, place).map_err(none)?;
        let active_from = active_from(&above).ok_or_else(|| KeyFileError::NoTime(file.to_owned()))?;
        let pair = RsaKeyPair::from_pkcs8(&document).ok();
        pair.and_then(|pair| Self::new(pair, file.to_owned(), active_from))
            .ok_or_else(|| none("holds a damaged one".to_owned()))
    }

    fn new(pair: RsaKeyPair, file: PathBuf, active_from: Option<u64>) -> Option<Self> {
        let bits = pair.public_modulus_len() * 8;
        if bits < SMALLEST_KEY {
            return None;
        }
        let components = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
        let modulus = URL_SAFE_NO_PAD.encode(components.n);
        let exponent = URL_SAFE_NO_PAD.encode(components.e);
        let id = rsa_thumbprint(&modulus, &exponent);
        let der: PublicKeyX509Der<'_> = pair.public_key().as_der().ok()?;
        let public_key_info = der.as_ref().to_vec();
        let header = URL_SAFE_NO_PAD.encode(serde_json::json!({ "alg": "RS256", "typ": "JWT", "kid": id }).to_string());
        Some(Self { id, header, file, active_from, pair, modulus, exponent, public_key_info, bits })
    }

    /// Writes the file, or replaces it at once and whole.
    pub fn write(&self) -> Result<(), KeyFileError> {
        let der: Pkcs8V1Der<'static> = self.pair.as_der().map_err(|_| KeyFileError::Library)?;
        let document = SecretDocument::try_from(der.as_ref()).map_err(|_| KeyFileError::Library)?;
        let pem = document.to_pem(LABEL, LineEnding::LF).map_err(|_| KeyFileError::Library)?;
        let failed = |error| KeyFileError::File { file: self.file.clone(), error };
        // Not .pem, so that a service that looks meanwhile does not see half a key.
        let draft = self.file.with_extension("draft");
        let mut output =
            fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(&draft).map_err(failed)?;
        let written = self
            .active_from
            .map_or(Ok(()), |active_from| writeln!(output, "{ACTIVE_FROM}{}", time_text(active_from)))
            .and_then(|()| output.write_all(pem.as_bytes()))
            .and_then(|()| output.sync_all())
            .and_then(|()| fs::rename(&draft, &self.file));
        written.map_err(|error| {
            // The first error is the one to tell; a draft that stays is seen by whoever reads it.
            let _ = fs::remove_file(&draft);
            failed(error)
        })
    }

    /// The same key, active from another time on.
    pub fn activated(mut self, active_from: u64) -> Self {
        self.active_from = Some(active_from);
        self
    }

    /// Signs with RSASSA-PKCS1-v1_5 and SHA-256: the RS256 of JSON Web Tokens.
    pub fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).ok()?;
        Some(signature)
    }

    /// Its thumbprint (RFC 7638), the `kid` of tokens.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The header of the tokens that it signs, as it stands in them.
    pub fn header(&self) -> &str {
        &self.header
    }

    /// Where it is kept.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The same key, which signs from this time on where nobody has said when.
    pub(super) fn or_active_from(self, time: u64) -> Self {
        Self { active_from: self.active_from.or(Some(time)), ..self }
    }

    /// From when on it signs, in seconds since 1970; None for a key that nobody has activated.
    pub fn active_from(&self) -> Option<u64> {
        self.active_from
    }

    /// The length of its modulus.
    pub fn bits(&self) -> usize {
        self.bits
    }

    /// The modulus, as in a JSON Web Key.
    pub fn modulus(&self) -> &str {
        &self.modulus
    }

    /// The public exponent, as in a JSON Web Key.
    pub fn exponent(&self) -> &str {
        &self.exponent
    }

    /// The public key as SubjectPublicKeyInfo in DER.
    pub fn public_key_info(&self) -> &[u8] {
        &self.public_key_info
    }
}

/// The text above the one private key of a file, and its PKCS#8; or what is found instead, and what to do.
fn private_key(text: &str, bytes: &[u8], place: Place<'_>) -> Result<(String, Zeroizing<Vec<u8>>), String> {
    // Not onto the file itself: openssl empties it before it reads it.
    let convert = place.remedy("openssl pkey", |file| format!(" -in {file} -out {file}.new && mv {file}.new {file}"));
    let generate = place.remedy("identity-service keys generate", |_| String::new());
    let (found, unended) = sections(text);
    let private: Vec<_> =
        found.iter().enumerate().filter(|(_, section)| section.label.ends_with("PRIVATE KEY")).collect();
    let (position, section) = match (private.as_slice(), found.first(), unended) {
        ([one], ..) => *one,
        ([], _, Some(label)) => return Err(format!("has no line with -----END {label}-----")),
        ([], Some(section), _) => {
            let what = match section.label {
                "CERTIFICATE" => "a certificate",
                "PUBLIC KEY" | "RSA PUBLIC KEY" => "a public key",
                label => label,
            };
            return Err(format!("holds {what} and no private key"));
        }
        ([], None, None) => {
            return Err(match bytes.first() {
                Some(0x30) => format!("holds no PEM, perhaps the same in DER; {convert}"),
                Some(b'{') => "holds JSON and no PEM".to_owned(),
                _ if text.trim().is_empty() => "holds nothing".to_owned(),
                _ => "holds no PEM".to_owned(),
            });
        }
        (several, ..) => return Err(format!("holds {} where one private key is expected", several.len())),
    };
    match section.label {
        _ if section.is_locked() => {
            return Err(format!("is locked by a passphrase, which nobody is there to type; {convert}"));
        }
        LABEL => {}
        "RSA PRIVATE KEY" => return Err(format!("holds one as PKCS#1; {convert}")),
        "EC PRIVATE KEY" => {
            return Err(format!("holds an EC key, which signs nothing that is needed here; {generate}"));
        }
        "OPENSSH PRIVATE KEY" => {
            let convert = place.remedy("ssh-keygen -p -m PKCS8", |file| format!(" -f {file}"));
            return Err(format!("holds one in the form of OpenSSH; {convert}"));
        }
        label => return Err(format!("holds {label}; {generate}")),
    }
    let damaged = || "holds a damaged one".to_owned();
    let document = section.content().ok_or_else(damaged)?;
    let info = PrivateKeyInfo::read(&document).ok_or_else(damaged)?;
    match (info.algorithm(), info.rsa_bits()) {
        ("RSA", Some(bits)) if bits < SMALLEST_KEY => Err(format!("holds one of {bits} bits; {generate}")),
        ("RSA", Some(_)) => {
            let above = found.iter().take(position + 1).map(|section| section.above);
            Ok((above.collect::<Vec<_>>().join("\n"), document))
        }
        ("RSA", None) => Err(damaged()),
        (other, _) => Err(format!("holds an {other} key, which signs nothing that is needed here; {generate}")),
    }
}

/// Whether it is root's, and this process somebody else's: then only its group lets the process read it. PostgreSQL and its clients
/// take such keys, too.
pub(super) fn is_of_the_system(metadata: &fs::Metadata) -> bool {
    const ROOT: u32 = 0;
    // Who the process is, in the words of the file system.
    let own = fs::metadata("/proc/self").map_or(ROOT, |own| own.uid());
    metadata.uid() == ROOT && own != ROOT
}

/// The time above the key: Some(None) when there is no such line.
fn active_from(above: &str) -> Option<Option<u64>> {
    let lines = above.split(['\n', '\r']).map(str::trim);
    let mut lines = lines.filter_map(|line| line.strip_prefix(ACTIVE_FROM.trim_end()));
    let Some(line) = lines.next() else { return Some(None) };
    let time = OffsetDateTime::parse(line.trim(), &Rfc3339).ok()?;
    (lines.next().is_none()).then_some(Some(u64::try_from(time.unix_timestamp()).ok()?))
}

/// A time as people read it.
pub fn time_text(seconds: u64) -> String {
    i64::try_from(seconds)
        .ok()
        .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_else(|| "never".to_owned())
}
