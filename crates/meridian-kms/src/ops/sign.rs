//! Sign: a signature of a message, of its digest, or of the representative µ
//! that ML-DSA makes of it.

use meridian_crypto::{MessageType, SigningAlgorithm};
use meridian_proto::v1::{SignRequest, SignResponse};

use crate::admission::required;
use crate::asymmetric;
use crate::context::Context;
use crate::cryptography::{self, internal};
use crate::error::KmsError;
use crate::key::Key;
use crate::ops::Operation;
use crate::region::Region;
use crate::suitability;

/// Signs here and now.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &SignRequest,
) -> Result<SignResponse, KmsError> {
    let operation = Operation::Sign;
    let key = region.admit_use(cx, operation, &request.key_id)?;
    let message = required(&request.message)?;
    let (algorithm, message_type) = check(
        key,
        &request.signing_algorithm,
        &request.message_type,
        message,
    )?;
    cryptography::stop_dry_run(request.dry_run)?;
    let signature = asymmetric::open(cx, key)?
        .sign(algorithm, message_type, message)
        .map_err(|_| internal())?;
    Ok(SignResponse {
        key_id: cryptography::arn(&key.key, region.name()),
        signature: Some(signature.into()),
        signing_algorithm: Some(algorithm.name().into()),
    })
}

/// What Sign and Verify are given has to fit the key and each other.
pub(crate) fn check(
    key: &Key,
    algorithm: &Option<String>,
    message_type: &Option<String>,
    message: &[u8],
) -> Result<(SigningAlgorithm, MessageType), KmsError> {
    let name = required(algorithm)?;
    suitability::check_algorithm(key, name)?;
    let algorithm = SigningAlgorithm::from_name(name).ok_or_else(internal)?;
    let message_type = message_type.as_deref().unwrap_or("RAW");
    let message_type = MessageType::from_name(message_type)
        .ok_or_else(|| KmsError::validation("MessageType is not valid."))?;
    suitability::check_message(key.shared.spec, algorithm, message_type, message)?;
    Ok((algorithm, message_type))
}

#[cfg(test)]
mod tests;
