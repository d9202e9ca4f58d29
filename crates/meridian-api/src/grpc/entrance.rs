//! Who calls which region: two entries of a call's metadata.
//!
//! * `x-meridian-region`: needed where several regions can be meant.
//! * `x-meridian-account`: twelve digits; 000000000000 when left out. The
//!   caller is the root of that account.

use std::sync::Arc;

use meridian_kms::{AccountId, Caller, KmsError, RegionName};
use tonic::metadata::MetadataMap;

use crate::door::Door;
use crate::kms::Kms;
use crate::observer::Observation;
use crate::sigv4;

const REGION: &str = "x-meridian-region";
const ACCOUNT: &str = "x-meridian-account";

/// Finds the called region and the caller.
///
/// # Errors
/// ValidationException, which says what to send.
pub(crate) fn enter(
    door: &Door,
    metadata: &MetadataMap,
    request_id: String,
    observed: &mut Observation,
) -> Result<(Arc<dyn Kms>, Caller), KmsError> {
    let (region, kms) = region(door, metadata)?;
    observed.region = Some(region.clone());
    let account = match metadata.get(ACCOUNT) {
        None => AccountId::default(),
        Some(value) => value
            .to_str()
            .ok()
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| {
                KmsError::validation(format!("The metadata entry {ACCOUNT} must be 12 digits."))
            })?,
    };
    Ok((kms, sigv4::root(account, &region, request_id)))
}

fn region(door: &Door, metadata: &MetadataMap) -> Result<(RegionName, Arc<dyn Kms>), KmsError> {
    let found = match metadata.get(REGION) {
        None => door.only_region(),
        Some(value) => value.to_str().ok().and_then(|name| door.region(name)),
    };
    found.ok_or_else(|| {
        let names = door.region_names();
        KmsError::validation(format!(
            "The metadata entry {REGION} must name a region that is served here: {names}."
        ))
    })
}
