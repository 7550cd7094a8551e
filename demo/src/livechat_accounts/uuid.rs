//! Random UUIDs, the form of LiveChat's entity ids.

use identity_service::random::{NoRandomness, random_bytes};

/// A random UUID (version 4).
pub fn random_uuid() -> Result<String, NoRandomness> {
    let bits = u128::from_be_bytes(random_bytes::<16>()?);
    // RFC 9562: version 4 in bits 48..52, variant 10 in bits 64..66.
    let bits = bits & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
    let digits = format!("{bits:032x}");
    let mut text = String::with_capacity(36);
    for (position, digit) in digits.chars().enumerate() {
        if matches!(position, 8 | 12 | 16 | 20) {
            text.push('-');
        }
        text.push(digit);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_has_version_4_and_its_variant() {
        for _ in 0..200 {
            let uuid = random_uuid().unwrap();
            let parts: Vec<&str> = uuid.split('-').collect();
            assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [8, 4, 4, 4, 12], "{uuid}");
            assert!(parts[2].starts_with('4'), "{uuid}");
            assert!(parts[3].starts_with(['8', '9', 'a', 'b']), "{uuid}");
        }
    }
}
