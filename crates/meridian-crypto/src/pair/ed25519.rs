//! Ed25519 and Ed25519ph (RFC 8032). The C library has the first; the second,
//! which it offers no safe way to, comes from another.

use aws_lc_rs::encoding::{AsBigEndian, AsDer, Curve25519SeedBin};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, ParsedPublicKey};
use ed25519_dalek::{Digest, Sha512, Signature, SigningKey};
use zeroize::Zeroizing;

use super::Unfit;
use crate::{Entropy, MessageType, SigningAlgorithm};

const SEED_LEN: usize = 32;

pub(super) struct Ed25519 {
    pure: Ed25519KeyPair,
    verifying: ParsedPublicKey,
    prehashing: SigningKey,
    pub(super) public_der: Vec<u8>,
}

impl Ed25519 {
    pub(super) fn generate(entropy: &mut dyn Entropy) -> Self {
        let mut seed = Zeroizing::new([0; SEED_LEN]);
        entropy.fill(&mut *seed);
        let key = Ed25519KeyPair::from_seed_unchecked(&*seed).ok();
        key.and_then(Self::new)
            .expect("any 32 bytes are the seed of a key")
    }

    pub(super) fn read(pkcs8: &[u8]) -> Option<Self> {
        Self::new(Ed25519KeyPair::from_pkcs8(pkcs8).ok()?)
    }

    fn new(pure: Ed25519KeyPair) -> Option<Self> {
        let seed = pure.seed().ok()?;
        let seed: Curve25519SeedBin<'_> = seed.as_be_bytes().ok()?;
        let prehashing = SigningKey::from_bytes(seed.as_ref().try_into().ok()?);
        let public_der = pure.public_key().as_der().ok()?.as_ref().to_vec();
        Some(Self {
            verifying: ParsedPublicKey::new(&ED25519, &public_der).ok()?,
            pure,
            prehashing,
            public_der,
        })
    }

    pub(super) fn to_secret(&self) -> Zeroizing<Vec<u8>> {
        let der = self.pure.to_pkcs8v1();
        let der = der.expect("a private key in hand has a PKCS#8 form");
        Zeroizing::new(der.as_ref().to_vec())
    }

    pub(super) fn sign(
        &self,
        algorithm: SigningAlgorithm,
        message_type: MessageType,
        message: &[u8],
    ) -> Result<Vec<u8>, Unfit> {
        if !algorithm.takes(message_type) {
            return Err(Unfit);
        }
        match algorithm {
            SigningAlgorithm::Ed25519Sha512 => {
                let signature = self.pure.try_sign(message).map_err(|_| Unfit)?;
                Ok(signature.as_ref().to_vec())
            }
            SigningAlgorithm::Ed25519PhSha512 => {
                let hashed = Sha512::new().chain_update(message);
                let signature = self.prehashing.sign_prehashed(hashed, None);
                Ok(signature.map_err(|_| Unfit)?.to_bytes().to_vec())
            }
            _ => Err(Unfit),
        }
    }

    pub(super) fn verify(
        &self,
        algorithm: SigningAlgorithm,
        message_type: MessageType,
        message: &[u8],
        signature: &[u8],
    ) -> Result<bool, Unfit> {
        if !algorithm.takes(message_type) {
            return Err(Unfit);
        }
        match algorithm {
            SigningAlgorithm::Ed25519Sha512 => {
                Ok(self.verifying.verify_sig(message, signature).is_ok())
            }
            SigningAlgorithm::Ed25519PhSha512 => {
                let hashed = Sha512::new().chain_update(message);
                let signature = Signature::from_slice(signature);
                Ok(signature.is_ok_and(|signature| {
                    let key = self.prehashing.verifying_key();
                    key.verify_prehashed_strict(hashed, None, &signature)
                        .is_ok()
                }))
            }
            _ => Err(Unfit),
        }
    }
}
