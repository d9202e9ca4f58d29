//! AES key wrap with padding (RFC 5649) under a key of 256 bits.

use aws_lc_rs::key_wrap::{AES_256, AesKek, KeyWrapPadded};
use zeroize::Zeroizing;

const KEY_LEN: usize = 32;
/// The most that wrapping adds: a block, and padding to a block's end.
const OVERHEAD_MAX: usize = 15;

/// A key that wraps one piece of material. Wiped on drop.
pub(super) struct Key(Zeroizing<[u8; KEY_LEN]>);

impl Key {
    pub(super) fn generate() -> Self {
        let mut bytes = Zeroizing::new([0; KEY_LEN]);
        aws_lc_rs::rand::fill(&mut *bytes).expect("the C library has randomness");
        Self(bytes)
    }

    /// `None` unless there are 32 bytes.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes
            .try_into()
            .ok()
            .map(|bytes| Self(Zeroizing::new(bytes)))
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &*self.0
    }

    /// `None` for no bytes at all.
    pub(super) fn wrap(&self, plaintext: &[u8]) -> Option<Vec<u8>> {
        let mut out = vec![0; plaintext.len() + OVERHEAD_MAX];
        let length = self
            .kek()?
            .wrap_with_padding(plaintext, &mut out)
            .ok()?
            .len();
        out.truncate(length);
        Some(out)
    }

    /// `None` if it was not wrapped with this key.
    pub(super) fn unwrap(&self, wrapped: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let mut out = Zeroizing::new(vec![0; wrapped.len()]);
        let kek = self.kek()?;
        let length = kek.unwrap_with_padding(wrapped, &mut out).ok()?.len();
        out.truncate(length);
        Some(out)
    }

    fn kek(&self) -> Option<AesKek> {
        AesKek::new(&AES_256, &*self.0).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::vectors;

    #[test]
    fn published_vectors_come_out() {
        for vector in vectors(include_str!("../../tests/data/aes_key_wrap.txt")) {
            let key = Key::from_bytes(&vector.bytes("key")).unwrap();
            let (plaintext, wrapped) = (vector.bytes("plaintext"), vector.bytes("wrapped"));
            assert_eq!(key.wrap(&plaintext).unwrap(), wrapped);
            assert_eq!(*key.unwrap(&wrapped).unwrap(), plaintext);
        }
    }

    #[test]
    fn what_is_wrapped_unwraps_with_the_same_key_only() {
        let (key, other) = (Key::generate(), Key::generate());
        for length in [1, 7, 8, 9, 16, 1217] {
            let plaintext = vec![5; length];
            let wrapped = key.wrap(&plaintext).unwrap();
            assert_eq!(wrapped.len(), length.next_multiple_of(8) + 8);
            assert_eq!(*key.unwrap(&wrapped).unwrap(), plaintext);
            assert!(other.unwrap(&wrapped).is_none());
            let mut altered = wrapped.clone();
            altered[0] ^= 1;
            assert!(key.unwrap(&altered).is_none());
        }
        assert!(key.wrap(b"").is_none());
        assert!(key.unwrap(b"").is_none());
    }
}
