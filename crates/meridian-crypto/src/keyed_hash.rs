//! HMAC-SHA-256 over length-prefixed parts: ids, and keys made from keys.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::secret::SECRET_LEN;

/// HMAC-SHA-256 with its key already worked in. Cloning it per message is two
/// hash blocks cheaper than keying it again. Wiped on drop.
#[derive(Clone)]
pub(crate) struct KeyedHash(Hmac<Sha256>);

impl KeyedHash {
    pub(crate) fn new(key: &[u8; SECRET_LEN]) -> Self {
        Self(Hmac::new_from_slice(key).expect("HMAC takes a key of any length"))
    }

    /// The digest of the concatenated parts.
    pub(crate) fn digest(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    /// A key that follows from this one, the purpose and the parts.
    ///
    /// Every part is preceded by its length, so that moving a byte from one
    /// part to the next gives another key.
    pub(crate) fn derive(&self, purpose: &str, parts: &[&[u8]]) -> Zeroizing<[u8; SECRET_LEN]> {
        let mut mac = self.0.clone();
        for part in std::iter::once(&purpose.as_bytes()).chain(parts) {
            mac.update(&length_prefix(part));
            mac.update(part);
        }
        Zeroizing::new(mac.finalize().into_bytes().into())
    }
}

/// Four bytes, big-endian: what precedes a part of varying length wherever
/// several are authenticated together.
pub(crate) fn length_prefix(part: &[u8]) -> [u8; 4] {
    u32::try_from(part.len())
        .expect("a request is far below 4 GiB")
        .to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_moved_between_parts_gives_another_key() {
        let hash = KeyedHash::new(&[1; 32]);
        let one = hash.derive("purpose", &[b"ab", b"c"]);
        assert_ne!(one, hash.derive("purpose", &[b"a", b"bc"]));
        assert_ne!(one, hash.derive("purpose", &[b"abc"]));
        assert_eq!(one, hash.derive("purpose", &[b"ab", b"c"]));
    }

    #[test]
    fn another_purpose_or_another_key_gives_another_key() {
        let hash = KeyedHash::new(&[1; 32]);
        let one = hash.derive("purpose", &[b"part"]);
        assert_ne!(one, hash.derive("other", &[b"part"]));
        assert_ne!(one, KeyedHash::new(&[2; 32]).derive("purpose", &[b"part"]));
    }
}
