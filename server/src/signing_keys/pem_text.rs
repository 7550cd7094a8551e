//! PEM as it comes: read as laxly as RFC 7468 allows, whoever wrote it and whatever has been done to it since.

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use zeroize::Zeroizing;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// How a section begins.
const BEGIN: &str = "-----BEGIN ";

/// What stands between a BEGIN and its END.
pub struct Section<'text> {
    /// What it says that it is, for example `PRIVATE KEY`.
    pub label: &'text str,
    /// The text above it, as far as the section before.
    pub above: &'text str,
    body: &'text str,
}

impl Section<'_> {
    /// Whether it says of itself that it is locked by a passphrase (RFC 1421, section 4.6.1.1; RFC 5958, section 3).
    pub fn is_locked(&self) -> bool {
        self.label == "ENCRYPTED PRIVATE KEY" || (self.body.contains("Proc-Type:") && self.body.contains("ENCRYPTED"))
    }

    /// The DER; none when the base64 is damaged.
    pub fn content(&self) -> Option<Zeroizing<Vec<u8>>> {
        // Two characters in place of each byte of a line break: what becomes of a variable that is written into a file.
        from_base64(&Zeroizing::new(self.body.replace("\\r", "").replace("\\n", "")))
    }
}

/// The bytes of a text in lines; none when it is damaged. They are a secret's, and so is what is made of them on the way.
fn from_base64(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let base64: Zeroizing<Vec<u8>> = Zeroizing::new(text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect());
    BASE64.decode(&*base64).ok().map(Zeroizing::new)
}

/// A file's text, of which PEM is the ASCII: byte order marks, zeros between letters and other people's letters go.
pub fn ascii(bytes: &[u8]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(bytes.len()));
    text.extend(bytes.iter().filter(|byte| byte.is_ascii() && **byte != 0).map(|byte| char::from(*byte)));
    text
}

/// The text itself, or what is in it where somebody has put all of it into base64 once more, as variables and stores of secrets that
/// take no lines have it.
pub fn unwrapped(text: Zeroizing<String>) -> Zeroizing<String> {
    if text.contains(BEGIN) {
        return text;
    }
    let inner = from_base64(&text).map(|inner| ascii(&inner));
    inner.filter(|inner| inner.contains(BEGIN)).unwrap_or(text)
}

/// The sections of a text, and the label of a last one that has no end.
pub fn sections(text: &str) -> (Vec<Section<'_>>, Option<&str>) {
    let (mut found, mut rest) = (Vec::new(), text);
    while let Some((above, begun)) = rest.split_once(BEGIN) {
        let Some((label, begun)) = begun.split_once("-----") else { break };
        let Some((body, after)) = begun.split_once(&format!("-----END {label}-----")) else {
            return (found, Some(label));
        };
        found.push(Section { label, above, body });
        rest = after;
    }
    (found, None)
}
