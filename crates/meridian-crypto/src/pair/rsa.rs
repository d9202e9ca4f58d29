//! RSA: signatures of both paddings, and encryption with OAEP.

use std::sync::OnceLock;

use aws_lc_rs::digest::{self, Digest};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{
    KeyPair, KeySize, OaepPrivateDecryptingKey, OaepPublicEncryptingKey, PrivateDecryptingKey,
    PublicEncryptingKey,
};
use aws_lc_rs::signature::{self, KeyPair as _, ParsedPublicKey, RsaEncoding, RsaParameters};
use zeroize::Zeroizing;

use super::{EncryptionAlgorithm, Unfit};
use crate::{KeySpec, MessageType, SigningAlgorithm};

pub(super) struct Rsa {
    signing: KeyPair,
    decrypting: OaepPrivateDecryptingKey,
    encrypting: OaepPublicEncryptingKey,
    /// The public key for each algorithm that it has verified, by position.
    verifying: [OnceLock<ParsedPublicKey>; ALGORITHMS.len()],
    pub(super) public_der: Vec<u8>,
}

/// What an RSA key signs with.
const ALGORITHMS: [SigningAlgorithm; 6] = [
    SigningAlgorithm::RsassaPssSha256,
    SigningAlgorithm::RsassaPssSha384,
    SigningAlgorithm::RsassaPssSha512,
    SigningAlgorithm::RsassaPkcs1V15Sha256,
    SigningAlgorithm::RsassaPkcs1V15Sha384,
    SigningAlgorithm::RsassaPkcs1V15Sha512,
];

/// What the C library calls an algorithm: to sign, to verify, and to hash.
struct Parts {
    encoding: &'static dyn RsaEncoding,
    parameters: &'static RsaParameters,
    digest: &'static digest::Algorithm,
}

fn size(spec: KeySpec) -> Option<(KeySize, usize)> {
    match spec {
        KeySpec::Rsa2048 => Some((KeySize::Rsa2048, 256)),
        KeySpec::Rsa3072 => Some((KeySize::Rsa3072, 384)),
        KeySpec::Rsa4096 => Some((KeySize::Rsa4096, 512)),
        _ => None,
    }
}

impl Rsa {
    /// `None` for other specs.
    pub(super) fn generate(spec: KeySpec) -> Option<Self> {
        let key = KeyPair::generate(size(spec)?.0)
            .expect("only a lack of memory or randomness stops RSA key generation");
        Some(Self::new(key).expect("a key that was just made is a key"))
    }

    /// Two primes and a modulus of exactly the spec's size.
    pub(super) fn read(spec: KeySpec, pkcs8: &[u8]) -> Option<Self> {
        let (_, bytes) = size(spec)?;
        let key = KeyPair::from_pkcs8(pkcs8).ok()?;
        let rsa = (key.public_modulus_len() == bytes).then(|| Self::new(key))??;
        // 2047 bits also need 256 bytes.
        (rsa.encrypting.key_size_bits() == bytes * 8).then_some(rsa)
    }

    fn new(signing: KeyPair) -> Option<Self> {
        let private = signing.as_der().ok()?;
        let decrypting = PrivateDecryptingKey::from_pkcs8(private.as_ref()).ok()?;
        let public_der = signing.public_key().as_der().ok()?.as_ref().to_vec();
        let encrypting = PublicEncryptingKey::from_der(&public_der).ok()?;
        Some(Self {
            signing,
            decrypting: OaepPrivateDecryptingKey::new(decrypting).ok()?,
            encrypting: OaepPublicEncryptingKey::new(encrypting).ok()?,
            verifying: Default::default(),
            public_der,
        })
    }

    pub(super) fn to_secret(&self) -> Zeroizing<Vec<u8>> {
        let der = self.signing.as_der();
        let der = der.expect("an RSA private key in hand has a PKCS#8 form");
        Zeroizing::new(der.as_ref().to_vec())
    }

    pub(super) fn sign(
        &self,
        algorithm: SigningAlgorithm,
        message_type: MessageType,
        message: &[u8],
    ) -> Result<Vec<u8>, Unfit> {
        let parts = parts(algorithm).ok_or(Unfit)?;
        let mut out = vec![0; self.signing.public_modulus_len()];
        let digest = digested(parts.digest, message_type, message)?;
        self.signing
            .sign_digest(parts.encoding, &digest, &mut out)
            .map_err(|_| Unfit)?;
        Ok(out)
    }

    pub(super) fn verify(
        &self,
        algorithm: SigningAlgorithm,
        message_type: MessageType,
        message: &[u8],
        signature: &[u8],
    ) -> Result<bool, Unfit> {
        let parts = parts(algorithm).ok_or(Unfit)?;
        let digest = digested(parts.digest, message_type, message)?;
        let key = self.verifying(algorithm, parts.parameters).ok_or(Unfit)?;
        Ok(key.verify_digest_sig(&digest, signature).is_ok())
    }

    /// The public key, parsed at the first verification.
    fn verifying(
        &self,
        algorithm: SigningAlgorithm,
        parameters: &'static RsaParameters,
    ) -> Option<&ParsedPublicKey> {
        let at = ALGORITHMS.iter().position(|it| *it == algorithm)?;
        let key = &self.verifying[at];
        if key.get().is_none() {
            let parsed = ParsedPublicKey::new(parameters, &self.public_der).ok()?;
            // Another thread may have been first, with the same.
            let _ = key.set(parsed);
        }
        key.get()
    }

    pub(super) fn plaintext_bytes_max(&self, algorithm: EncryptionAlgorithm) -> usize {
        self.encrypting.max_plaintext_size(algorithm.padding())
    }

    pub(super) fn encrypt(
        &self,
        algorithm: EncryptionAlgorithm,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, Unfit> {
        let mut out = vec![0; self.encrypting.ciphertext_size()];
        self.encrypting
            .encrypt(algorithm.padding(), plaintext, &mut out, None)
            .map_err(|_| Unfit)?;
        Ok(out)
    }

    pub(super) fn decrypt(
        &self,
        algorithm: EncryptionAlgorithm,
        ciphertext: &[u8],
    ) -> Option<Zeroizing<Vec<u8>>> {
        let mut out = Zeroizing::new(vec![0; self.decrypting.min_output_size()]);
        let length = self
            .decrypting
            .decrypt(algorithm.padding(), ciphertext, &mut out, None)
            .ok()?
            .len();
        out.truncate(length);
        Some(out)
    }
}

fn parts(algorithm: SigningAlgorithm) -> Option<Parts> {
    let parts = |encoding, parameters, digest| {
        Some(Parts {
            encoding,
            parameters,
            digest,
        })
    };
    match algorithm {
        SigningAlgorithm::RsassaPssSha256 => parts(
            &signature::RSA_PSS_SHA256,
            &signature::RSA_PSS_2048_8192_SHA256,
            &digest::SHA256,
        ),
        SigningAlgorithm::RsassaPssSha384 => parts(
            &signature::RSA_PSS_SHA384,
            &signature::RSA_PSS_2048_8192_SHA384,
            &digest::SHA384,
        ),
        SigningAlgorithm::RsassaPssSha512 => parts(
            &signature::RSA_PSS_SHA512,
            &signature::RSA_PSS_2048_8192_SHA512,
            &digest::SHA512,
        ),
        SigningAlgorithm::RsassaPkcs1V15Sha256 => parts(
            &signature::RSA_PKCS1_SHA256,
            &signature::RSA_PKCS1_2048_8192_SHA256,
            &digest::SHA256,
        ),
        SigningAlgorithm::RsassaPkcs1V15Sha384 => parts(
            &signature::RSA_PKCS1_SHA384,
            &signature::RSA_PKCS1_2048_8192_SHA384,
            &digest::SHA384,
        ),
        SigningAlgorithm::RsassaPkcs1V15Sha512 => parts(
            &signature::RSA_PKCS1_SHA512,
            &signature::RSA_PKCS1_2048_8192_SHA512,
            &digest::SHA512,
        ),
        _ => None,
    }
}

/// The message's digest, made here or by the caller.
pub(super) fn digested(
    algorithm: &'static digest::Algorithm,
    message_type: MessageType,
    message: &[u8],
) -> Result<Digest, Unfit> {
    match message_type {
        MessageType::Raw => Ok(digest::digest(algorithm, message)),
        MessageType::Digest => Digest::import_less_safe(message, algorithm).map_err(|_| Unfit),
        MessageType::ExternalMu => Err(Unfit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::vectors;

    /// Nobody publishes private keys with signatures whose salt is as long as the
    /// hash, so these are verified by a public key alone.
    #[test]
    fn published_pss_signatures_are_verified() {
        for vector in vectors(include_str!("../../tests/data/rsa_pss.txt")) {
            let parts = parts(vector.signing_algorithm()).unwrap();
            let key = ParsedPublicKey::new(parts.parameters, vector.bytes("public")).unwrap();
            let raw = MessageType::Raw;
            let digest = digested(parts.digest, raw, &vector.bytes("message")).unwrap();
            let signature = vector.bytes("signature");
            assert!(key.verify_digest_sig(&digest, &signature).is_ok());
            let other = digested(parts.digest, raw, b"another message").unwrap();
            assert!(key.verify_digest_sig(&other, &signature).is_err());
        }
    }
}
