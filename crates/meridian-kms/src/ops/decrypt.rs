//! Decrypt: opens a ciphertext with the material that it names; the caller
//! cannot choose one. Any region that holds the material can do it.

use meridian_proto::v1::{DecryptRequest, DecryptResponse};

use crate::context::Context;
use crate::cryptography::{self, SYMMETRIC_DEFAULT, Source};
use crate::error::KmsError;
use crate::ops::Operation;
use crate::region::Region;

/// Asks a dry run to leave the ciphertext alone and only check the caller.
pub(crate) const IGNORE_CIPHERTEXT: &str = "IGNORE_CIPHERTEXT";

/// Decrypts here and now.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &DecryptRequest,
) -> Result<DecryptResponse, KmsError> {
    cryptography::refuse_recipient(&request.recipient)?;
    let ignore = request.dry_run == Some(true)
        && request
            .dry_run_modifiers
            .iter()
            .any(|modifier| modifier == IGNORE_CIPHERTEXT);
    if ignore {
        let operation = Operation::Decrypt;
        region.admit_use(cx, operation, &request.key_id, &request.grant_tokens)?;
        cryptography::check_algorithm(&request.encryption_algorithm)?;
        cryptography::stop_dry_run(request.dry_run)?;
    }
    let Some(blob) = &request.ciphertext_blob else {
        return Err(KmsError::validation("CiphertextBlob must not be null"));
    };
    let source = Source {
        operation: Operation::Decrypt,
        blob,
        key_id: request.key_id.as_deref(),
        algorithm: &request.encryption_algorithm,
        context: &request.encryption_context,
        grant_tokens: &request.grant_tokens,
    };
    let decrypted = cryptography::decrypt(region, cx, &source)?;
    cryptography::stop_dry_run(request.dry_run)?;
    Ok(DecryptResponse {
        key_id: cryptography::arn(&decrypted.key, region.name()),
        plaintext: Some(bytes::Bytes::copy_from_slice(&decrypted.plaintext)),
        encryption_algorithm: Some(SYMMETRIC_DEFAULT.into()),
        ciphertext_for_recipient: None,
        key_material_id: Some(decrypted.material.to_string()),
    })
}
