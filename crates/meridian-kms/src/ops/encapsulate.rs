//! Encapsulate: a fresh shared secret, and a ciphertext from which only the
//! key's private half gets it back.

use meridian_proto::v1::{EncapsulateRequest, EncapsulateResponse};

use crate::admission::required;
use crate::asymmetric;
use crate::context::Context;
use crate::cryptography::{self, internal};
use crate::error::KmsError;
use crate::ops::Operation;
use crate::region::Region;
use crate::suitability;

/// Encapsulates here and now.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &EncapsulateRequest,
) -> Result<EncapsulateResponse, KmsError> {
    let operation = Operation::Encapsulate;
    let key = region.admit_use(cx, operation, &request.key_id)?;
    let algorithm = required(&request.encapsulation_algorithm)?;
    suitability::check_algorithm(key, algorithm)?;
    cryptography::stop_dry_run(request.dry_run)?;
    let made = asymmetric::open(cx, key)?.encapsulate(cx.entropy);
    let (ciphertext, secret) = made.map_err(|_| internal())?;
    Ok(EncapsulateResponse {
        key_id: cryptography::arn(&key.key, region.name()),
        shared_secret: Some(bytes::Bytes::copy_from_slice(&secret)),
        shared_secret_ciphertext_blob: Some(ciphertext.into()),
        encapsulation_algorithm: Some(algorithm.clone()),
    })
}
