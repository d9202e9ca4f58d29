//! Verify: true or an error; there is no answer that says false.

use meridian_proto::v1::{VerifyRequest, VerifyResponse};

use crate::admission::required;
use crate::asymmetric;
use crate::context::Context;
use crate::cryptography::{self, internal};
use crate::error::{ErrorCode, KmsError};
use crate::ops::{Operation, sign};
use crate::region::Region;

/// Verifies here and now.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &VerifyRequest,
) -> Result<VerifyResponse, KmsError> {
    let operation = Operation::Verify;
    let key = region.admit_use(cx, operation, &request.key_id)?;
    let message = required(&request.message)?;
    let (algorithm, message_type) = sign::check(
        key,
        &request.signing_algorithm,
        &request.message_type,
        message,
    )?;
    let valid = asymmetric::open(cx, key)?
        .verify(
            algorithm,
            message_type,
            message,
            required(&request.signature)?,
        )
        .map_err(|_| internal())?;
    if !valid {
        return Err(KmsError::bare(ErrorCode::KMSInvalidSignatureException));
    }
    cryptography::stop_dry_run(request.dry_run)?;
    Ok(VerifyResponse {
        key_id: cryptography::arn(&key.key, region.name()),
        signature_valid: Some(true),
        signing_algorithm: Some(algorithm.name().into()),
    })
}
