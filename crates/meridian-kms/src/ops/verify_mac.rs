//! VerifyMac: true or an error; there is no answer that says false.

use meridian_proto::v1::{VerifyMacRequest, VerifyMacResponse};

use crate::admission::required;
use crate::asymmetric;
use crate::context::Context;
use crate::cryptography::{self, internal};
use crate::error::{ErrorCode, KmsError};
use crate::ops::Operation;
use crate::region::Region;
use crate::suitability;

/// Verifies here and now, in constant time.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &VerifyMacRequest,
) -> Result<VerifyMacResponse, KmsError> {
    let operation = Operation::VerifyMac;
    let key = region.admit_use(cx, operation, &request.key_id)?;
    let algorithm = required(&request.mac_algorithm)?;
    suitability::check_algorithm(key, algorithm)?;
    let (message, mac) = (required(&request.message)?, required(&request.mac)?);
    let valid = asymmetric::open(cx, key)?.verify_mac(message, mac);
    if !valid.map_err(|_| internal())? {
        return Err(KmsError::bare(ErrorCode::KMSInvalidMacException));
    }
    cryptography::stop_dry_run(request.dry_run)?;
    Ok(VerifyMacResponse {
        key_id: cryptography::arn(&key.key, region.name()),
        mac_valid: Some(true),
        mac_algorithm: Some(algorithm.clone()),
    })
}
