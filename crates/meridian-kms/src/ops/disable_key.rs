//! DisableKey: an enabled key stops being usable until EnableKey.
//!
//! Disabling a disabled key succeeds and changes nothing. Related keys in
//! other regions are not affected.

use meridian_proto::v1::{DisableKeyRequest, DisableKeyResponse};
use serde::{Deserialize, Serialize};

use crate::arn::KeyRef;
use crate::context::Context;
use crate::error::KmsError;
use crate::ops::{Operation, Planned};
use crate::region::Region;

/// The key to disable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    key: KeyRef,
}

/// Finds the key.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &DisableKeyRequest,
) -> Result<Planned<Change, DisableKeyResponse>, KmsError> {
    let key = region
        .admit(cx, Operation::DisableKey, &request.key_id)?
        .key;
    Ok(Planned::Commit(Change { key }))
}

/// Disables it.
pub fn apply(region: &mut Region, change: &Change) -> Result<DisableKeyResponse, KmsError> {
    let mut key = region.readmit(Operation::DisableKey, &change.key)?;
    key.enabled = false;
    region.put(key);
    Ok(DisableKeyResponse {})
}
