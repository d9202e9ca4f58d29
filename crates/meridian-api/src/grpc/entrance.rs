//! Who calls which region: two entries of a call's metadata.
//!
//! * `x-meridian-region`: needed where several regions can be meant.
//! * `x-meridian-account`: twelve digits; 000000000000 when left out. The
//!   caller is the root of that account.
//!
//! Where calls are signed, the signature says both, and the entries are not
//! needed; a region that is named all the same has to be that of the signature.

use std::sync::Arc;

use meridian_kms::{AccountId, Caller, ErrorCode, KmsError, RegionName};
use tonic::Extensions;
use tonic::metadata::MetadataMap;

use super::signed::Signed;
use crate::door::Door;
use crate::kms::Kms;
use crate::observer::Observation;
use crate::sigv4;

const REGION: &str = "x-meridian-region";
const ACCOUNT: &str = "x-meridian-account";

/// A call that may go on.
pub(crate) struct Entered {
    pub(crate) region: RegionName,
    pub(crate) kms: Arc<dyn Kms>,
    pub(crate) caller: Caller,
}

/// Finds the called region and the caller.
///
/// # Errors
/// ValidationException, which says what to send.
pub(crate) fn enter(
    door: &Door,
    metadata: &MetadataMap,
    extensions: &Extensions,
    request_id: &str,
    observed: &mut Observation,
) -> Result<Entered, KmsError> {
    let signed = extensions.get::<Signed>();
    let named = metadata.get(REGION).map(|value| value.to_str().ok());
    let (region, kms) = match (signed, named) {
        (Some(signed), None) => door.region(signed.region.as_str()),
        (Some(signed), Some(name)) if name != Some(signed.region.as_str()) => None,
        (None, None) => door.only_region(),
        (_, Some(name)) => name.and_then(|name| door.region(name)),
    }
    .ok_or_else(|| no_such_region(door))?;
    observed.region = Some(region.clone());
    let caller = match signed {
        Some(signed) => Caller {
            request_id: request_id.to_owned(),
            ..signed.caller.clone()
        },
        None if door.is_open() => sigv4::root(account(metadata)?, &region, request_id),
        // It came past the verification.
        None => return Err(KmsError::bare(ErrorCode::AccessDeniedException)),
    };
    Ok(Entered {
        region,
        kms,
        caller,
    })
}

fn account(metadata: &MetadataMap) -> Result<AccountId, KmsError> {
    let Some(value) = metadata.get(ACCOUNT) else {
        return Ok(AccountId::default());
    };
    let account = value.to_str().ok().and_then(|text| text.parse().ok());
    account.ok_or_else(|| {
        KmsError::validation(format!("The metadata entry {ACCOUNT} must be 12 digits."))
    })
}

fn no_such_region(door: &Door) -> KmsError {
    let names = door.region_names();
    KmsError::validation(format!(
        "The metadata entry {REGION} must name a region that is served here: {names}."
    ))
}
