//! Does a key suit an operation? Asked after its state: first the usage, which
//! admission does, then the algorithm.

use meridian_crypto::{KeySpec, MessageType, SigningAlgorithm};

use crate::arn::RegionName;
use crate::error::{ErrorCode, KmsError};
use crate::key::Key;
use crate::key_usage;
use crate::ops::Operation;

/// Is the key made for this operation?
pub(crate) fn check_usage(
    operation: Operation,
    key: &Key,
    here: &RegionName,
) -> Result<(), KmsError> {
    let usage = key.shared.usage;
    if operation.key_usage().is_none_or(|needed| needed == usage) {
        return Ok(());
    }
    let (arn, usage, operation) = (key.key.arn_in(here), usage.name(), operation.name());
    Err(KmsError::new(
        ErrorCode::InvalidKeyUsageException,
        format!("{arn} key usage is {usage} which is not valid for {operation}."),
    ))
}

/// Does the key have this algorithm?
pub(crate) fn check_algorithm(key: &Key, algorithm: &str) -> Result<(), KmsError> {
    let (spec, usage) = (key.shared.spec, key.shared.usage);
    if key_usage::algorithms(spec, usage).contains(&algorithm) {
        return Ok(());
    }
    let spec = spec.name();
    Err(KmsError::new(
        ErrorCode::InvalidKeyUsageException,
        format!("Algorithm {algorithm} is incompatible with key spec {spec}."),
    ))
}

/// Does a data key operation, which needs a symmetric key, get one?
// fidelity: assumed, AWS's answer for RSA keys is not recorded.
pub(crate) fn check_symmetric(key: &Key) -> Result<(), KmsError> {
    check_algorithm(key, crate::cryptography::SYMMETRIC_DEFAULT)
}

/// May a message of this type and length be signed with this algorithm?
pub(crate) fn check_message(
    spec: KeySpec,
    algorithm: SigningAlgorithm,
    message_type: MessageType,
    message: &[u8],
) -> Result<(), KmsError> {
    if !algorithm.takes(message_type) {
        let name = message_type.name();
        // fidelity: assumed, the code of this error is not recorded, and its
        // text not for Ed25519.
        let text = match spec {
            KeySpec::EccNistEdwards25519 if message_type != MessageType::ExternalMu => format!(
                "Message type {name} is incompatible with algorithm {}.",
                algorithm.name()
            ),
            _ => format!(
                "Message type {name} is incompatible with key spec {}.",
                spec.name()
            ),
        };
        return Err(KmsError::new(ErrorCode::InvalidKeyUsageException, text));
    }
    match algorithm.message_len(message_type) {
        Some(length) if length != message.len() => Err(KmsError::validation(format!(
            "Digest is invalid length for algorithm {}.",
            algorithm.name()
        ))),
        Some(_) | None => Ok(()),
    }
}
