//! What a PKCS#8 document says of its key before anybody tries to use it (RFC 5958).

use der::{
    Decode, SliceReader,
    asn1::{AnyRef, UintRef},
};

/// Object identifiers of keys in DER, and what people call them.
const ALGORITHMS: &[(&[u8], &str)] = &[
    (&[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01], "RSA"),
    (&[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a], "RSA-PSS"),
    (&[0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01], "EC"),
    (&[0x06, 0x03, 0x2b, 0x65, 0x6e], "X25519"),
    (&[0x06, 0x03, 0x2b, 0x65, 0x70], "Ed25519"),
    (&[0x06, 0x03, 0x2b, 0x65, 0x71], "Ed448"),
];

/// The algorithm and the key of a document.
pub struct PrivateKeyInfo<'document> {
    algorithm: &'document [u8],
    key: &'document [u8],
}

impl<'document> PrivateKeyInfo<'document> {
    /// None if it is not such a document.
    pub fn read(document: &'document [u8]) -> Option<Self> {
        let mut members = SliceReader::new(AnyRef::from_der(document).ok()?.value()).ok()?;
        u8::decode(&mut members).ok()?;
        let algorithm = AnyRef::decode(&mut members).ok()?.value();
        let key = AnyRef::decode(&mut members).ok()?.value();
        Some(Self { algorithm, key })
    }

    /// What kind of key it is.
    pub fn algorithm(&self) -> &'static str {
        let known = ALGORITHMS.iter().find(|(identifier, _)| self.algorithm.starts_with(identifier));
        known.map_or("unknown", |(_, name)| name)
    }

    /// The length of an RSA key's modulus.
    pub fn rsa_bits(&self) -> Option<usize> {
        let mut members = SliceReader::new(AnyRef::from_der(self.key).ok()?.value()).ok()?;
        u8::decode(&mut members).ok()?;
        let modulus = UintRef::decode(&mut members).ok()?;
        let unused = modulus.as_bytes().first()?.leading_zeros();
        (modulus.as_bytes().len() * 8).checked_sub(usize::try_from(unused).ok()?)
    }
}
