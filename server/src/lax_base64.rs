//! Base64 as it comes: in either alphabet, with or without padding, in one line or in several, as openssl prints it. One text can never mean
//! two things.

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

/// The bytes; none when the text is no base64 at all.
pub(crate) fn from_base64(text: &str) -> Option<Vec<u8>> {
    let text: String = text.split_ascii_whitespace().collect();
    let engine = |alphabet| {
        let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        GeneralPurpose::new(alphabet, config)
    };
    [&alphabet::STANDARD, &alphabet::URL_SAFE].into_iter().find_map(|alphabet| engine(alphabet).decode(&text).ok())
}
