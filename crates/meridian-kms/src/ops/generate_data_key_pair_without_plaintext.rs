//! GenerateDataKeyPairWithoutPlaintext: a key pair whose private half only
//! Decrypt will show.

use meridian_proto::v1::{
    GenerateDataKeyPairWithoutPlaintextRequest, GenerateDataKeyPairWithoutPlaintextResponse,
};

use crate::admission::required;
use crate::context::Context;
use crate::cryptography;
use crate::error::KmsError;
use crate::ops::Operation;
use crate::ops::generate_data_key_pair::{generate, pair_spec};
use crate::region::Region;
use crate::suitability;

/// Generates here and now.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &GenerateDataKeyPairWithoutPlaintextRequest,
) -> Result<GenerateDataKeyPairWithoutPlaintextResponse, KmsError> {
    let operation = Operation::GenerateDataKeyPairWithoutPlaintext;
    let key = region.admit_use(cx, operation, &request.key_id)?;
    suitability::check_symmetric(key)?;
    let spec = pair_spec(required(&request.key_pair_spec)?)?;
    cryptography::stop_dry_run(request.dry_run)?;
    let made = generate(cx, key, &request.encryption_context, spec)?;
    Ok(GenerateDataKeyPairWithoutPlaintextResponse {
        private_key_ciphertext_blob: Some(made.ciphertext.into()),
        public_key: Some(made.public.into()),
        key_id: cryptography::arn(&key.key, region.name()),
        key_pair_spec: Some(spec.name().into()),
        key_material_id: Some(made.material.to_string()),
    })
}
