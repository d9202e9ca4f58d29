//! DisableKeyRotation: the schedule ends. A rotation under way goes on, and
//! rotations on demand stay possible.

use meridian_proto::v1::{DisableKeyRotationRequest, DisableKeyRotationResponse};
use serde::{Deserialize, Serialize};

use crate::arn::KeyRef;
use crate::context::Context;
use crate::error::KmsError;
use crate::ops::{Operation, Planned};
use crate::region::Region;

const OPERATION: Operation = Operation::DisableKeyRotation;

/// The key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    key: KeyRef,
}

/// Finds it.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &DisableKeyRotationRequest,
) -> Result<Planned<Change, DisableKeyRotationResponse>, KmsError> {
    let key = region.admit(cx, OPERATION, &request.key_id)?.key;
    Ok(Planned::Commit(Change { key }))
}

/// Ends the schedule.
pub fn apply(region: &mut Region, change: &Change) -> Result<DisableKeyRotationResponse, KmsError> {
    let mut key = region.readmit(OPERATION, &change.key)?;
    key.shared.automatic = None;
    region.put(key);
    Ok(DisableKeyRotationResponse {})
}
