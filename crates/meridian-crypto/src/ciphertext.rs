//! The ciphertext of Encrypt and of the data key operations.
//!
//! Version 1, all of it authenticated together with the encryption context:
//!
//! | bytes | what |
//! |---|---|
//! | 1 | version |
//! | 1 | kind: which operations made it |
//! | 17 | key id, compact |
//! | 32 | material id |
//! | 16 | salt of the message key |
//! | 12 | nonce |
//! | as the plaintext | AES-256-GCM |
//! | 16 | tag |
//!
//! It names no region: whoever holds the material of that id can open it.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use crate::aead::{Aead, NONCE_LEN, TAG_LEN};
use crate::key_id::COMPACT_LEN;
use crate::keyed_hash::length_prefix;
use crate::{Entropy, HotMaterial, KeyId, MaterialId};

const VERSION: u8 = 1;
const SALT_LEN: usize = 16;
const HEADER_LEN: usize = 2 + COMPACT_LEN + 32 + SALT_LEN + NONCE_LEN;

/// Which operations made a ciphertext. Live AWS marks its own in the same way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CiphertextKind {
    /// Encrypt and ReEncrypt.
    Encrypt,
    /// The operations that generate data keys and data key pairs.
    DataKey,
}

/// What a ciphertext says about itself. Nothing of it is proven before the
/// ciphertext opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CiphertextHeader {
    /// The key.
    pub key_id: KeyId,
    /// The material of that key.
    pub material_id: MaterialId,
}

/// Reads the header of a ciphertext; `None` if these bytes cannot be one.
pub fn parse(blob: &[u8]) -> Option<CiphertextHeader> {
    let parts = Parts::read(blob)?;
    Some(CiphertextHeader {
        key_id: KeyId::from_compact(parts.key_id)?,
        material_id: MaterialId::from_bytes(*parts.material_id),
    })
}

/// Encrypts under a key of its own, made from the material and a fresh salt.
/// The result is 95 bytes longer than the plaintext.
///
/// # Panics
/// If the material is not that of a symmetric key.
pub fn encrypt(
    hot: &HotMaterial,
    kind: CiphertextKind,
    key_id: &KeyId,
    material_id: &MaterialId,
    context: &BTreeMap<String, String>,
    plaintext: &[u8],
    entropy: &mut dyn Entropy,
) -> Vec<u8> {
    let mut fresh = [0; SALT_LEN + NONCE_LEN];
    entropy.fill(&mut fresh);

    let mut blob = Vec::with_capacity(HEADER_LEN + plaintext.len() + TAG_LEN);
    blob.extend_from_slice(&[VERSION, kind.byte()]);
    blob.extend_from_slice(&key_id.compact());
    blob.extend_from_slice(material_id.as_bytes());
    blob.extend_from_slice(&fresh);

    let (salt, nonce) = fresh.split_last_chunk().expect("a salt, then a nonce");
    let associated = associated(&blob, context);
    let key = hot.message_key(salt).expect("a symmetric key encrypts");
    Aead::new(&key).append(nonce, &associated, plaintext, &mut blob);
    blob
}

/// The plaintext; `None` if the ciphertext was altered, or made with another
/// material, key or encryption context.
pub fn decrypt(
    hot: &HotMaterial,
    blob: &[u8],
    context: &BTreeMap<String, String>,
) -> Option<Zeroizing<Vec<u8>>> {
    let parts = Parts::read(blob)?;
    let associated = associated(parts.header, context);
    let key = hot.message_key(parts.salt)?;
    Aead::new(&key).take(parts.nonce, &associated, parts.body)
}

impl CiphertextKind {
    fn byte(self) -> u8 {
        match self {
            Self::Encrypt => 1,
            Self::DataKey => 2,
        }
    }
}

struct Parts<'a> {
    header: &'a [u8],
    key_id: &'a [u8; COMPACT_LEN],
    material_id: &'a [u8; 32],
    salt: &'a [u8; SALT_LEN],
    nonce: &'a [u8; NONCE_LEN],
    body: &'a [u8],
}

impl<'a> Parts<'a> {
    fn read(blob: &'a [u8]) -> Option<Self> {
        let ([version, kind], rest) = blob.split_first_chunk()?;
        let known = [CiphertextKind::Encrypt, CiphertextKind::DataKey];
        if *version != VERSION || !known.iter().any(|known| known.byte() == *kind) {
            return None;
        }
        let (key_id, rest) = rest.split_first_chunk()?;
        let (material_id, rest) = rest.split_first_chunk()?;
        let (salt, rest) = rest.split_first_chunk()?;
        let (nonce, body) = rest.split_first_chunk()?;
        if body.len() < TAG_LEN {
            return None;
        }
        Some(Self {
            header: &blob[..HEADER_LEN],
            key_id,
            material_id,
            salt,
            nonce,
            body,
        })
    }
}

/// The header, of fixed length, then the context's pairs in order, each name and
/// value after its length: no two contexts give the same bytes.
fn associated(header: &[u8], context: &BTreeMap<String, String>) -> Vec<u8> {
    let pairs_len: usize = context
        .iter()
        .map(|(name, value)| name.len() + value.len() + 8)
        .sum();
    let mut out = Vec::with_capacity(header.len() + pairs_len);
    out.extend_from_slice(header);
    pairs(context, &mut out);
    out
}

/// Appends the context's pairs, so that no two contexts give the same bytes.
pub(crate) fn pairs(context: &BTreeMap<String, String>, out: &mut Vec<u8>) {
    for text in context.iter().flat_map(<[&String; 2]>::from) {
        out.extend_from_slice(&length_prefix(text.as_bytes()));
        out.extend_from_slice(text.as_bytes());
    }
}

#[cfg(test)]
mod tests;
