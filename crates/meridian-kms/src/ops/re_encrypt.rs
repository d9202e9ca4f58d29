//! ReEncrypt: decrypts under one key and encrypts under another, or under the
//! same key's current material, without showing the plaintext.

use meridian_crypto::CiphertextKind;
use meridian_proto::v1::{ReEncryptRequest, ReEncryptResponse};

use crate::context::Context;
use crate::cryptography::{self, SYMMETRIC_DEFAULT, Source};
use crate::error::KmsError;
use crate::ops::Operation;
use crate::ops::decrypt::IGNORE_CIPHERTEXT;
use crate::region::Region;

/// Decrypts and encrypts here and now; the source is checked first.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &ReEncryptRequest,
) -> Result<ReEncryptResponse, KmsError> {
    let operation = Operation::ReEncrypt;
    let ignore = request.dry_run == Some(true)
        && request
            .dry_run_modifiers
            .iter()
            .any(|modifier| modifier == IGNORE_CIPHERTEXT);
    let tokens = &request.grant_tokens;
    let decrypted = if ignore {
        region.admit_use(cx, operation, &request.source_key_id, tokens)?;
        cryptography::check_algorithm(&request.source_encryption_algorithm)?;
        None
    } else {
        let Some(blob) = &request.ciphertext_blob else {
            return Err(KmsError::validation("CiphertextBlob must not be null"));
        };
        let source = Source {
            operation,
            blob,
            key_id: request.source_key_id.as_deref(),
            algorithm: &request.source_encryption_algorithm,
            context: &request.source_encryption_context,
            grant_tokens: tokens,
        };
        Some(cryptography::decrypt(region, cx, &source)?)
    };
    let destination = region.admit_use(cx, operation, &request.destination_key_id, tokens)?;
    cryptography::check_algorithm(&request.destination_encryption_algorithm)?;
    cryptography::stop_dry_run(request.dry_run)?;
    let Some(decrypted) = decrypted else {
        return Err(KmsError::validation("CiphertextBlob must not be null"));
    };
    let context = &request.destination_encryption_context;
    let kind = CiphertextKind::Encrypt;
    let (blob, material) =
        cryptography::encrypt(cx, destination, kind, context, &decrypted.plaintext)?;
    Ok(ReEncryptResponse {
        ciphertext_blob: Some(blob.into()),
        source_key_id: cryptography::arn(&decrypted.key, region.name()),
        key_id: cryptography::arn(&destination.key, region.name()),
        source_encryption_algorithm: Some(SYMMETRIC_DEFAULT.into()),
        destination_encryption_algorithm: Some(SYMMETRIC_DEFAULT.into()),
        source_key_material_id: Some(decrypted.material.to_string()),
        destination_key_material_id: Some(material.to_string()),
    })
}
