//! KeyPair: one parsed private key of any asymmetric spec.

use zeroize::Zeroizing;

use super::ecc::Ecc;
use super::ed25519::Ed25519;
use super::ml_dsa::MlDsa;
use super::ml_kem::MlKem;
use super::rsa::Rsa;
use super::{EncryptionAlgorithm, seed_form};
use crate::{Entropy, KeySpec, MessageType, SigningAlgorithm};

/// The key cannot do this with such an algorithm, message type or length: a
/// caller has checked that before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key cannot be used with this algorithm, message type or length")]
pub struct Unfit;

/// A private key with its public half, wiped on drop.
pub(crate) struct KeyPair {
    spec: KeySpec,
    kind: Kind,
}

enum Kind {
    Rsa(Box<Rsa>),
    Ecc(Box<Ecc>),
    Ed25519(Box<Ed25519>),
    MlDsa(Box<MlDsa>),
    MlKem(Box<MlKem>),
}

impl KeyPair {
    /// A new one.
    ///
    /// # Panics
    /// For specs without a public half.
    pub(crate) fn generate(spec: KeySpec, entropy: &mut dyn Entropy) -> Self {
        let kind = Self::kind(
            spec,
            entropy,
            |spec, _| Rsa::generate(spec),
            |spec, _| Ecc::generate(spec),
            |entropy| Some(Ed25519::generate(entropy)),
            MlDsa::generate,
            MlKem::generate,
        );
        let kind = kind.expect("asked for asymmetric specs only");
        Self { spec, kind }
    }

    /// Reads PKCS#8, or a seed for ML-DSA and ML-KEM; `None` for anything that
    /// is no key of exactly this spec.
    pub(crate) fn read(spec: KeySpec, secret: &[u8]) -> Option<Self> {
        let kind = Self::kind(
            spec,
            secret,
            Rsa::read,
            Ecc::read,
            Ed25519::read,
            MlDsa::read,
            MlKem::read,
        );
        kind.map(|kind| Self { spec, kind })
    }

    /// Which of the makers makes a key of this spec.
    fn kind<S>(
        spec: KeySpec,
        source: S,
        rsa: impl FnOnce(KeySpec, S) -> Option<Rsa>,
        ecc: impl FnOnce(KeySpec, S) -> Option<Ecc>,
        ed25519: impl FnOnce(S) -> Option<Ed25519>,
        ml_dsa: impl FnOnce(KeySpec, S) -> Option<MlDsa>,
        ml_kem: impl FnOnce(KeySpec, S) -> Option<MlKem>,
    ) -> Option<Kind> {
        match spec {
            KeySpec::Rsa2048 | KeySpec::Rsa3072 | KeySpec::Rsa4096 => {
                rsa(spec, source).map(|it| Kind::Rsa(Box::new(it)))
            }
            KeySpec::EccNistP256
            | KeySpec::EccNistP384
            | KeySpec::EccNistP521
            | KeySpec::EccSecgP256k1 => ecc(spec, source).map(|it| Kind::Ecc(Box::new(it))),
            KeySpec::EccNistEdwards25519 => ed25519(source).map(|it| Kind::Ed25519(Box::new(it))),
            KeySpec::MlDsa44 | KeySpec::MlDsa65 | KeySpec::MlDsa87 => {
                ml_dsa(spec, source).map(|it| Kind::MlDsa(Box::new(it)))
            }
            KeySpec::MlKem512 | KeySpec::MlKem768 | KeySpec::MlKem1024 => {
                ml_kem(spec, source).map(|it| Kind::MlKem(Box::new(it)))
            }
            KeySpec::SymmetricDefault
            | KeySpec::Hmac224
            | KeySpec::Hmac256
            | KeySpec::Hmac384
            | KeySpec::Hmac512 => None,
        }
    }

    pub(crate) fn spec(&self) -> KeySpec {
        self.spec
    }

    /// What [`read`](Self::read) takes.
    pub(crate) fn to_secret(&self) -> Zeroizing<Vec<u8>> {
        match &self.kind {
            Kind::Rsa(key) => key.to_secret(),
            Kind::Ecc(key) => key.to_secret(),
            Kind::Ed25519(key) => key.to_secret(),
            Kind::MlDsa(key) => key.to_secret(),
            Kind::MlKem(key) => key.to_secret(),
        }
    }

    pub(crate) fn public_der(&self) -> &[u8] {
        match &self.kind {
            Kind::Rsa(key) => &key.public_der,
            Kind::Ecc(key) => &key.public_der,
            Kind::Ed25519(key) => &key.public_der,
            Kind::MlDsa(key) => &key.public_der,
            Kind::MlKem(key) => &key.public_der,
        }
    }

    pub(crate) fn sign(
        &self,
        algorithm: SigningAlgorithm,
        message_type: MessageType,
        message: &[u8],
    ) -> Result<Vec<u8>, Unfit> {
        match &self.kind {
            Kind::Rsa(key) => key.sign(algorithm, message_type, message),
            Kind::Ecc(key) => key.sign(algorithm, message_type, message),
            Kind::Ed25519(key) => key.sign(algorithm, message_type, message),
            Kind::MlDsa(key) => key.sign(algorithm, message_type, message),
            Kind::MlKem(_) => Err(Unfit),
        }
    }

    pub(crate) fn verify(
        &self,
        algorithm: SigningAlgorithm,
        message_type: MessageType,
        message: &[u8],
        signature: &[u8],
    ) -> Result<bool, Unfit> {
        match &self.kind {
            Kind::Rsa(key) => key.verify(algorithm, message_type, message, signature),
            Kind::Ecc(key) => key.verify(algorithm, message_type, message, signature),
            Kind::Ed25519(key) => key.verify(algorithm, message_type, message, signature),
            Kind::MlDsa(key) => key.verify(algorithm, message_type, message, signature),
            Kind::MlKem(_) => Err(Unfit),
        }
    }

    /// The most bytes that fit into one ciphertext.
    pub(crate) fn plaintext_bytes_max(
        &self,
        algorithm: EncryptionAlgorithm,
    ) -> Result<usize, Unfit> {
        Ok(self.rsa()?.plaintext_bytes_max(algorithm))
    }

    pub(crate) fn encrypt(
        &self,
        algorithm: EncryptionAlgorithm,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, Unfit> {
        self.rsa()?.encrypt(algorithm, plaintext)
    }

    pub(crate) fn decrypt(
        &self,
        algorithm: EncryptionAlgorithm,
        ciphertext: &[u8],
    ) -> Result<Option<Zeroizing<Vec<u8>>>, Unfit> {
        Ok(self.rsa()?.decrypt(algorithm, ciphertext))
    }

    pub(crate) fn agree(&self, peer_der: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, Unfit> {
        match &self.kind {
            Kind::Ecc(key) => key.agree(peer_der),
            _ => Err(Unfit),
        }
    }

    pub(crate) fn encapsulate(
        &self,
        entropy: &mut dyn Entropy,
    ) -> Result<(Vec<u8>, Zeroizing<Vec<u8>>), Unfit> {
        Ok(self.ml_kem()?.encapsulate(entropy))
    }

    pub(crate) fn decapsulate(
        &self,
        ciphertext: &[u8],
    ) -> Result<Option<Zeroizing<Vec<u8>>>, Unfit> {
        Ok(self.ml_kem()?.decapsulate(ciphertext))
    }

    fn rsa(&self) -> Result<&Rsa, Unfit> {
        match &self.kind {
            Kind::Rsa(key) => Ok(key),
            _ => Err(Unfit),
        }
    }

    fn ml_kem(&self) -> Result<&MlKem, Unfit> {
        match &self.kind {
            Kind::MlKem(key) => Ok(key),
            _ => Err(Unfit),
        }
    }
}

/// The secret of a key pair as PKCS#8: most are kept in that form.
pub(crate) fn to_pkcs8(spec: KeySpec, secret: &[u8]) -> Zeroizing<Vec<u8>> {
    seed_form::private_key_der(spec, secret).unwrap_or_else(|| Zeroizing::new(secret.to_vec()))
}
