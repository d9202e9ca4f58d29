//! The ciphertext of a key in an external key store: what KMS encrypted, and
//! the proxy of the external key manager encrypted again.
//!
//! Version 2 of a ciphertext:
//!
//! | bytes | what |
//! |---|---|
//! | 1 | version |
//! | 17 | key id, compact |
//! | 1, then as many | the proxy's ciphertext metadata |
//! | 1, then as many | initialization vector |
//! | 16 | authentication tag |
//! | the rest | a ciphertext of version 1, encrypted by the proxy |
//!
//! The proxy authenticates all that follows the key id; the ciphertext within
//! names the key again and authenticates that.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::KeyId;
use crate::ciphertext::pairs;
use crate::key_id::COMPACT_LEN;

const VERSION: u8 = 2;
/// Bytes of an authentication tag.
const TAG_LEN: usize = 16;
/// Bytes of metadata that a proxy may add (XKS Proxy API, Encrypt).
const METADATA_LEN_MAX: usize = 20;

/// A ciphertext that only the proxy can open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxied {
    /// The key.
    pub key_id: KeyId,
    /// What the proxy noted for itself, at most 20 bytes.
    pub metadata: Vec<u8>,
    /// 12 or 16 bytes.
    pub iv: Vec<u8>,
    /// Authentication tag.
    pub tag: [u8; TAG_LEN],
    /// As long as what was encrypted.
    pub ciphertext: Vec<u8>,
}

impl Proxied {
    /// What a proxy has answered, if the lengths are those that the protocol
    /// allows.
    pub fn new(
        key_id: KeyId,
        metadata: Vec<u8>,
        iv: Vec<u8>,
        tag: &[u8],
        ciphertext: Vec<u8>,
    ) -> Option<Proxied> {
        let fits = metadata.len() <= METADATA_LEN_MAX && matches!(iv.len(), 12 | 16);
        Some(Proxied {
            key_id,
            metadata,
            iv,
            tag: tag.try_into().ok().filter(|_| fits)?,
            ciphertext,
        })
    }

    /// The form that clients keep.
    pub fn encode(&self) -> Vec<u8> {
        let mut blob = vec![VERSION];
        blob.extend_from_slice(&self.key_id.compact());
        for part in [&self.metadata, &self.iv] {
            blob.push(u8::try_from(part.len()).expect("at most 20 bytes"));
            blob.extend_from_slice(part);
        }
        blob.extend_from_slice(&self.tag);
        blob.extend_from_slice(&self.ciphertext);
        blob
    }

    /// Reads what [`Proxied::encode`] wrote; `None` if these bytes cannot be it.
    pub fn parse(blob: &[u8]) -> Option<Proxied> {
        let rest = blob.strip_prefix(&[VERSION])?;
        let (key_id, rest) = rest.split_first_chunk::<COMPACT_LEN>()?;
        let (metadata, rest) = counted(rest)?;
        let (iv, rest) = counted(rest)?;
        let (tag, ciphertext) = rest.split_first_chunk::<TAG_LEN>()?;
        let key_id = KeyId::from_compact(key_id)?;
        Proxied::new(key_id, metadata, iv, tag, ciphertext.to_vec())
    }

    /// What a proxy has to answer as ciphertext data integrity value: SHA-256
    /// of all that is needed to decrypt (XKS Proxy API, Appendix C).
    pub fn integrity_value(&self, associated: &[u8]) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(associated);
        hash.update(&self.metadata);
        hash.update(&self.iv);
        hash.update(&self.ciphertext);
        hash.update(self.tag);
        hash.finalize().into()
    }
}

/// What stands for an encryption context towards a proxy, which never sees the
/// context itself.
pub fn context_digest(context: &BTreeMap<String, String>) -> [u8; 32] {
    let mut bytes = b"meridian encryption context v1".to_vec();
    pairs(context, &mut bytes);
    Sha256::digest(&bytes).into()
}

fn counted(bytes: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let (length, rest) = bytes.split_first()?;
    let (part, rest) = rest.split_at_checked(usize::from(*length))?;
    Some((part.to_vec(), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Proxied {
        let key_id = "1234abcd-12ab-34cd-56ef-1234567890ab".parse().unwrap();
        let (metadata, iv) = (b"v=1".to_vec(), vec![7; 12]);
        Proxied::new(key_id, metadata, iv, &[9; 16], b"inner".to_vec()).unwrap()
    }

    #[test]
    fn the_form_is_read_and_written_as_ever() {
        let golden = "02011234abcd12ab34cd56ef1234567890ab03763d310c07070707070707070707070709\
                      090909090909090909090909090909696e6e6572";
        assert_eq!(hex::encode(example().encode()), golden);
        assert_eq!(
            Proxied::parse(&hex::decode(golden).unwrap()),
            Some(example())
        );
    }

    #[test]
    fn other_bytes_are_none() {
        let blob = example().encode();
        let least = blob.len() - "inner".len();
        for length in 0..least {
            assert_eq!(Proxied::parse(&blob[..length]), None, "{length} bytes");
        }
        let mut older = blob;
        older[0] = 1;
        assert_eq!(Proxied::parse(&older), None);
    }

    #[test]
    fn a_proxy_answers_within_the_lengths_of_the_protocol() {
        let new = |metadata: usize, iv: usize, tag: usize| {
            Proxied::new(
                example().key_id,
                vec![0; metadata],
                vec![0; iv],
                &vec![0; tag],
                Vec::new(),
            )
        };
        assert!(new(20, 16, 16).is_some());
        assert!(new(21, 16, 16).is_none());
        assert!(new(20, 13, 16).is_none());
        assert!(new(20, 16, 15).is_none());
    }

    /// The example of the protocol's specification.
    #[test]
    fn the_integrity_value_is_that_of_the_specification() {
        let bytes = |text: &str| hex::decode(text).unwrap();
        let proxied = Proxied {
            key_id: example().key_id,
            metadata: b"key_version=1".to_vec(),
            iv: bytes("1ccae5470f39700254779031"),
            tag: bytes("bc1c4dda7707d6812447c5955e99b261")
                .try_into()
                .unwrap(),
            ciphertext: bytes("821c642b5b71783367deaf18"),
        };
        assert_eq!(
            hex::encode(proxied.integrity_value(b"project=nile,department=marketing")),
            "a8703f2260bd8791ec2d15ea0b23e65a0631eedcf2a13a65cc82db3f47cf5ec7"
        );
    }

    #[test]
    fn contexts_that_look_alike_have_different_digests() {
        let of = |pairs: &[(&str, &str)]| {
            let pairs = pairs
                .iter()
                .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
            context_digest(&pairs.collect())
        };
        assert_ne!(of(&[("a", "b")]), of(&[("ab", "")]));
        assert_ne!(of(&[]), of(&[("", "")]));
        assert_eq!(of(&[("a", "1"), ("b", "2")]), of(&[("b", "2"), ("a", "1")]));
    }
}
