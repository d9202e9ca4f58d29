//! HotMaterial: opened material, ready for use.

use zeroize::Zeroizing;

#[cfg(test)]
use crate::Material;
use crate::keyed_hash::KeyedHash;
use crate::mac::MacKey;
use crate::pair::{EncryptionAlgorithm, KeyPair, Unfit};
use crate::secret::SECRET_LEN;
use crate::{Entropy, KeySpec, MessageType, SigningAlgorithm};

/// Material that a vault has opened, in the form requests use it. Wiped when
/// the last user drops it.
pub struct HotMaterial(Hot);

enum Hot {
    /// An HMAC state from which every message gets its own key. The material's
    /// bytes themselves are not kept.
    Symmetric(KeyedHash),
    Mac(MacKey),
    Pair(KeyPair),
}

impl HotMaterial {
    /// # Panics
    /// Never: material is of a spec and of the form that belongs to it.
    #[cfg(test)]
    pub(crate) fn new(material: &Material) -> Self {
        let read = Self::read(material.spec(), material.as_bytes());
        read.expect("material has the form of its spec")
    }

    /// The bytes of material of a spec; `None` for those that are no such key.
    pub(crate) fn read(spec: KeySpec, bytes: &[u8]) -> Option<Self> {
        if spec.is_asymmetric() {
            return Some(Self(Hot::Pair(KeyPair::read(spec, bytes)?)));
        }
        if spec.mac_len().is_some() {
            return Some(Self(Hot::Mac(MacKey::new(spec, bytes)?)));
        }
        let bytes: &[u8; SECRET_LEN] = bytes.try_into().ok()?;
        Some(Self(Hot::Symmetric(KeyedHash::new(bytes))))
    }

    /// As [`Material::identity`](crate::Material), for the bytes that were read.
    pub(crate) fn identity<'a>(&'a self, bytes: &'a [u8]) -> &'a [u8] {
        match &self.0 {
            Hot::Pair(pair) => pair.public_der(),
            Hot::Symmetric(_) | Hot::Mac(_) => bytes,
        }
    }

    /// The key of the one message that has this salt; `None` unless the key is
    /// symmetric.
    pub(crate) fn message_key(&self, salt: &[u8]) -> Option<Zeroizing<[u8; SECRET_LEN]>> {
        match &self.0 {
            Hot::Symmetric(key) => Some(key.derive("meridian message v1", &[salt])),
            Hot::Mac(_) | Hot::Pair(_) => None,
        }
    }

    /// The HMAC of a message.
    ///
    /// # Errors
    /// [`Unfit`] unless this is an HMAC key; so for every use below.
    pub fn mac(&self, message: &[u8]) -> Result<Vec<u8>, Unfit> {
        Ok(self.mac_key()?.mac(message))
    }

    /// Whether this is the HMAC of a message.
    ///
    /// # Errors
    /// [`Unfit`]
    pub fn verify_mac(&self, message: &[u8], mac: &[u8]) -> Result<bool, Unfit> {
        Ok(self.mac_key()?.verify(message, mac))
    }

    /// A signature: as PKCS#1 has it, DER for ECDSA, otherwise raw.
    ///
    /// # Errors
    /// [`Unfit`], also for a digest of the wrong length.
    pub fn sign(
        &self,
        algorithm: SigningAlgorithm,
        message_type: MessageType,
        message: &[u8],
    ) -> Result<Vec<u8>, Unfit> {
        self.pair()?.sign(algorithm, message_type, message)
    }

    /// Whether this is a signature of a message.
    ///
    /// # Errors
    /// [`Unfit`], also for a digest of the wrong length.
    pub fn verify(
        &self,
        algorithm: SigningAlgorithm,
        message_type: MessageType,
        message: &[u8],
        signature: &[u8],
    ) -> Result<bool, Unfit> {
        self.pair()?
            .verify(algorithm, message_type, message, signature)
    }

    /// The most bytes that [`encrypt`](Self::encrypt) takes.
    ///
    /// # Errors
    /// [`Unfit`]
    pub fn plaintext_bytes_max(&self, algorithm: EncryptionAlgorithm) -> Result<usize, Unfit> {
        self.pair()?.plaintext_bytes_max(algorithm)
    }

    /// An RSA ciphertext.
    ///
    /// # Errors
    /// [`Unfit`], also for too long a plaintext.
    pub fn encrypt(
        &self,
        algorithm: EncryptionAlgorithm,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, Unfit> {
        self.pair()?.encrypt(algorithm, plaintext)
    }

    /// What is in an RSA ciphertext; `None` if it is not one of this key and
    /// algorithm.
    ///
    /// # Errors
    /// [`Unfit`]
    pub fn decrypt(
        &self,
        algorithm: EncryptionAlgorithm,
        ciphertext: &[u8],
    ) -> Result<Option<Zeroizing<Vec<u8>>>, Unfit> {
        self.pair()?.decrypt(algorithm, ciphertext)
    }

    /// The raw ECDH secret shared with the owner of a public key; `None` unless
    /// that is DER `SubjectPublicKeyInfo` on the same curve.
    ///
    /// # Errors
    /// [`Unfit`]
    pub fn agree(&self, peer_der: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, Unfit> {
        self.pair()?.agree(peer_der)
    }

    /// An ML-KEM ciphertext and the secret in it.
    ///
    /// # Errors
    /// [`Unfit`]
    pub fn encapsulate(
        &self,
        entropy: &mut dyn Entropy,
    ) -> Result<(Vec<u8>, Zeroizing<Vec<u8>>), Unfit> {
        self.pair()?.encapsulate(entropy)
    }

    /// The secret in an ML-KEM ciphertext; another one if it was altered, and
    /// `None` for a wrong length.
    ///
    /// # Errors
    /// [`Unfit`]
    pub fn decapsulate(&self, ciphertext: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, Unfit> {
        self.pair()?.decapsulate(ciphertext)
    }

    fn mac_key(&self) -> Result<&MacKey, Unfit> {
        match &self.0 {
            Hot::Mac(key) => Ok(key),
            Hot::Symmetric(_) | Hot::Pair(_) => Err(Unfit),
        }
    }

    fn pair(&self) -> Result<&KeyPair, Unfit> {
        match &self.0 {
            Hot::Pair(pair) => Ok(pair),
            Hot::Symmetric(_) | Hot::Mac(_) => Err(Unfit),
        }
    }
}
