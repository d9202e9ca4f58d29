//! UpdateKeyDescription: each key of a set has a description of its own.

use meridian_proto::v1::{UpdateKeyDescriptionRequest, UpdateKeyDescriptionResponse};
use serde::{Deserialize, Serialize};

use crate::arn::KeyRef;
use crate::context::Context;
use crate::error::KmsError;
use crate::ops::{Operation, Planned};
use crate::region::Region;

const OPERATION: Operation = Operation::UpdateKeyDescription;

/// The new description.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    key: KeyRef,
    description: String,
}

/// Finds the key.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &UpdateKeyDescriptionRequest,
) -> Result<Planned<Change, UpdateKeyDescriptionResponse>, KmsError> {
    let key = region.admit(cx, OPERATION, &request.key_id)?.key;
    let description = request.description.clone().unwrap_or_default();
    Ok(Planned::Commit(Change { key, description }))
}

/// Replaces the description.
pub fn apply(
    region: &mut Region,
    change: &Change,
) -> Result<UpdateKeyDescriptionResponse, KmsError> {
    let mut key = region.readmit(OPERATION, &change.key)?;
    key.description = change.description.clone();
    region.put(key);
    Ok(UpdateKeyDescriptionResponse {})
}
