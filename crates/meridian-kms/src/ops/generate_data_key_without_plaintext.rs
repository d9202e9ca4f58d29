//! GenerateDataKeyWithoutPlaintext: a data key that only Decrypt will show.

use meridian_proto::v1::{
    GenerateDataKeyWithoutPlaintextRequest, GenerateDataKeyWithoutPlaintextResponse,
};

use crate::context::Context;
use crate::cryptography;
use crate::key_store::Halt;
use crate::metadata::shown_material;
use crate::ops::Operation;
use crate::ops::generate_data_key::{generate, length};
use crate::region::Region;
use crate::suitability;

/// Generates here and now.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &GenerateDataKeyWithoutPlaintextRequest,
) -> Result<GenerateDataKeyWithoutPlaintextResponse, Halt> {
    let length = length(&request.key_spec, request.number_of_bytes)?;
    let operation = Operation::GenerateDataKeyWithoutPlaintext;
    let key = region.admit_use(cx, operation, &request.key_id)?;
    suitability::check_symmetric(key)?;
    cryptography::stop_dry_run(request.dry_run)?;
    let made = generate(
        region,
        cx,
        operation,
        key,
        &request.encryption_context,
        length,
    )?;
    Ok(GenerateDataKeyWithoutPlaintextResponse {
        ciphertext_blob: Some(made.ciphertext.into()),
        key_id: cryptography::arn(&key.key, region.name()),
        key_material_id: shown_material(key, &made.material),
    })
}
