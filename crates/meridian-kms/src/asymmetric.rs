//! What the operations on keys that are not symmetric have in common: the one
//! material of such a key, its public half, and encryption under RSA keys.

use std::collections::BTreeMap;
use std::sync::Arc;

use meridian_crypto::{EncryptionAlgorithm, HotMaterial, KeySpec};
use zeroize::Zeroizing;

use crate::context::Context;
use crate::cryptography::{self, Decrypted, Source, internal, invalid_ciphertext};
use crate::error::KmsError;
use crate::key::Key;
use crate::public_key::PublicKey;
use crate::region::Region;
use crate::suitability;

/// Opens a key's material for use.
pub(crate) fn open(cx: &Context<'_>, key: &Key) -> Result<Arc<HotMaterial>, KmsError> {
    let current = key.shared.current().ok_or_else(internal)?.id;
    cryptography::open(cx.vault, key, &current)?.ok_or_else(internal)
}

/// The public half, once there is one: material that was deleted or has expired
/// leaves it behind.
pub(crate) fn public_key(key: &Key) -> Option<&PublicKey> {
    key.shared.current()?.public_key.as_ref()
}

/// Which verb an error of an encryption context uses.
#[derive(Clone, Copy)]
pub(crate) enum Verb {
    Encrypting,
    Decrypting,
}

/// An encryption about to be made under an RSA key.
pub(crate) struct Encryption {
    hot: Arc<HotMaterial>,
    algorithm: EncryptionAlgorithm,
}

/// Checks everything about an encryption under an RSA key but whether it is
/// meant to be carried out.
pub(crate) fn prepare_encryption(
    cx: &Context<'_>,
    key: &Key,
    algorithm: &Option<String>,
    context: &BTreeMap<String, String>,
) -> Result<Encryption, KmsError> {
    let algorithm = check(key, algorithm, context, Verb::Encrypting)?;
    let hot = open(cx, key)?;
    Ok(Encryption { hot, algorithm })
}

impl Encryption {
    /// The algorithm's name.
    pub(crate) fn algorithm(&self) -> &'static str {
        self.algorithm.name()
    }

    /// Does the plaintext fit into one block?
    pub(crate) fn check_length(&self, spec: KeySpec, plaintext: &[u8]) -> Result<(), KmsError> {
        let most = self.hot.plaintext_bytes_max(self.algorithm);
        let most = most.map_err(|_| internal())?;
        if plaintext.len() <= most {
            return Ok(());
        }
        let (algorithm, spec) = (self.algorithm.name(), spec.name());
        Err(KmsError::validation(format!(
            "Algorithm {algorithm} and key spec {spec} cannot encrypt data larger than {most} \
             bytes."
        )))
    }

    /// The ciphertext.
    pub(crate) fn carry_out(&self, plaintext: &[u8]) -> Result<Vec<u8>, KmsError> {
        let blob = self.hot.encrypt(self.algorithm, plaintext);
        blob.map_err(|_| internal())
    }
}

/// Decrypts under an RSA key, which the request names.
pub(crate) fn decrypt(
    region: &Region,
    cx: &mut Context<'_>,
    source: &Source<'_>,
) -> Result<Decrypted, KmsError> {
    let named = source.key_id.map(str::to_owned);
    let key = region.admit_use_as(cx, source.operation, source.action(), &named)?;
    let algorithm = check(key, source.algorithm, source.context, Verb::Decrypting)?;
    let plaintext: Option<Zeroizing<Vec<u8>>> = open(cx, key)?
        .decrypt(algorithm, source.blob)
        .map_err(|_| internal())?;
    Ok(Decrypted {
        key: key.key,
        material: None,
        algorithm: algorithm.name(),
        plaintext: plaintext.ok_or_else(invalid_ciphertext)?,
    })
}

/// Algorithm and encryption context.
pub(crate) fn check(
    key: &Key,
    algorithm: &Option<String>,
    context: &BTreeMap<String, String>,
    verb: Verb,
) -> Result<EncryptionAlgorithm, KmsError> {
    let name = algorithm
        .as_deref()
        .unwrap_or(cryptography::SYMMETRIC_DEFAULT);
    suitability::check_algorithm(key, name)?;
    if !context.is_empty() {
        let verb = match verb {
            Verb::Encrypting => "encrypting",
            Verb::Decrypting => "decrypting",
        };
        return Err(KmsError::validation(format!(
            "EncryptionContext is not supported when {verb} with asymmetric CMKs."
        )));
    }
    EncryptionAlgorithm::from_name(name).ok_or_else(internal)
}

#[cfg(test)]
mod tests;
