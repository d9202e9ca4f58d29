//! GenerateDataKey: random bytes, in the clear and encrypted under the key.

use std::collections::BTreeMap;

use meridian_crypto::{CiphertextKind, MaterialId};
use meridian_proto::v1::{GenerateDataKeyRequest, GenerateDataKeyResponse};
use zeroize::Zeroizing;

use crate::context::Context;
use crate::cryptography;
use crate::error::KmsError;
use crate::key::Key;
use crate::ops::Operation;
use crate::region::Region;

/// Generates here and now.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &GenerateDataKeyRequest,
) -> Result<GenerateDataKeyResponse, KmsError> {
    let length = length(&request.key_spec, request.number_of_bytes)?;
    cryptography::refuse_recipient(&request.recipient)?;
    let operation = Operation::GenerateDataKey;
    let key = region.admit_use(cx, operation, &request.key_id, &request.grant_tokens)?;
    cryptography::stop_dry_run(request.dry_run)?;
    let made = generate(cx, key, &request.encryption_context, length)?;
    Ok(GenerateDataKeyResponse {
        ciphertext_blob: Some(made.ciphertext.into()),
        plaintext: Some(bytes::Bytes::copy_from_slice(&made.plaintext)),
        key_id: cryptography::arn(&key.key, region.name()),
        ciphertext_for_recipient: None,
        key_material_id: Some(made.material.to_string()),
    })
}

/// A data key and its encrypted copy.
pub(crate) struct DataKey {
    pub plaintext: Zeroizing<Vec<u8>>,
    pub ciphertext: Vec<u8>,
    pub material: MaterialId,
}

pub(crate) fn generate(
    cx: &mut Context<'_>,
    key: &Key,
    context: &BTreeMap<String, String>,
    length: usize,
) -> Result<DataKey, KmsError> {
    let mut plaintext = Zeroizing::new(vec![0; length]);
    cx.entropy.fill(&mut plaintext);
    let kind = CiphertextKind::DataKey;
    let (ciphertext, material) = cryptography::encrypt(cx, key, kind, context, &plaintext)?;
    Ok(DataKey {
        plaintext,
        ciphertext,
        material,
    })
}

/// How long the data key is: exactly one of the two parameters says it.
pub(crate) fn length(spec: &Option<String>, bytes: Option<i32>) -> Result<usize, KmsError> {
    let neither_or_both =
        || KmsError::validation("Please specify either number of bytes or key spec.");
    match (spec.as_deref(), bytes) {
        (Some("AES_256"), None) => Ok(32),
        (Some("AES_128"), None) => Ok(16),
        (None, Some(bytes)) => usize::try_from(bytes).map_err(|_| neither_or_both()),
        _ => Err(neither_or_both()),
    }
}
