//! Encrypt: up to 4096 bytes under the key's current material.

use meridian_crypto::CiphertextKind;
use meridian_proto::v1::{EncryptRequest, EncryptResponse};

use crate::admission::required;
use crate::context::Context;
use crate::cryptography::{self, SYMMETRIC_DEFAULT};
use crate::error::KmsError;
use crate::ops::Operation;
use crate::region::Region;

/// Encrypts here and now.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &EncryptRequest,
) -> Result<EncryptResponse, KmsError> {
    let key = region.admit_use(
        cx,
        Operation::Encrypt,
        &request.key_id,
        &request.grant_tokens,
    )?;
    cryptography::check_algorithm(&request.encryption_algorithm)?;
    cryptography::stop_dry_run(request.dry_run)?;
    let plaintext = required(&request.plaintext)?;
    let kind = CiphertextKind::Encrypt;
    let (blob, _) = cryptography::encrypt(cx, key, kind, &request.encryption_context, plaintext)?;
    Ok(EncryptResponse {
        ciphertext_blob: Some(blob.into()),
        key_id: cryptography::arn(&key.key, region.name()),
        encryption_algorithm: Some(SYMMETRIC_DEFAULT.into()),
    })
}
