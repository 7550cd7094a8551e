//! The mark that some editors and languages put before what they write in UTF-8, and that is no part of it.

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The text without it.
pub(crate) fn unmarked(text: &[u8]) -> &[u8] {
    text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text)
}
