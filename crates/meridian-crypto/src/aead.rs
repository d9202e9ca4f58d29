//! AES-256-GCM with its nonce in front and its tag behind.

use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes256Gcm, Nonce, Tag};
use zeroize::Zeroizing;

use crate::Entropy;

/// Length in bytes of a nonce.
pub(crate) const NONCE_LEN: usize = 12;
/// Length in bytes of an authentication tag.
pub(crate) const TAG_LEN: usize = 16;

/// An AES-256-GCM key with its schedule worked out. Wiped on drop.
pub(crate) struct Aead(Aes256Gcm);

impl Aead {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self(Aes256Gcm::new(key.into()))
    }

    /// Appends `nonce ‖ ciphertext ‖ tag`, under a fresh random nonce.
    pub(crate) fn seal(
        &self,
        associated: &[u8],
        plaintext: &[u8],
        entropy: &mut dyn Entropy,
        out: &mut Vec<u8>,
    ) {
        let mut nonce = [0; NONCE_LEN];
        entropy.fill(&mut nonce);
        out.extend_from_slice(&nonce);
        self.append(&nonce, associated, plaintext, out);
    }

    /// The plaintext of `nonce ‖ ciphertext ‖ tag`; `None` if it is not authentic.
    pub(crate) fn open(&self, associated: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, body) = sealed.split_first_chunk()?;
        self.take(nonce, associated, body)
    }

    /// Appends `ciphertext ‖ tag`. One nonce must never serve two messages.
    pub(crate) fn append(
        &self,
        nonce: &[u8; NONCE_LEN],
        associated: &[u8],
        plaintext: &[u8],
        out: &mut Vec<u8>,
    ) {
        let start = out.len();
        out.reserve(plaintext.len() + TAG_LEN);
        out.extend_from_slice(plaintext);
        let tag = self
            .0
            .encrypt_inout_detached(
                &Nonce::from(*nonce),
                associated,
                out[start..].as_mut().into(),
            )
            .expect("a request is far below the 64 GiB that GCM allows");
        out.extend_from_slice(&tag);
    }

    /// The plaintext of `ciphertext ‖ tag`; `None` if it is not authentic.
    pub(crate) fn take(
        &self,
        nonce: &[u8; NONCE_LEN],
        associated: &[u8],
        body: &[u8],
    ) -> Option<Zeroizing<Vec<u8>>> {
        let (ciphertext, tag) = body.split_last_chunk::<TAG_LEN>()?;
        let mut plaintext = Zeroizing::new(ciphertext.to_vec());
        self.0
            .decrypt_inout_detached(
                &Nonce::from(*nonce),
                associated,
                plaintext.as_mut_slice().into(),
                &Tag::from(*tag),
            )
            .ok()?;
        Some(plaintext)
    }
}
