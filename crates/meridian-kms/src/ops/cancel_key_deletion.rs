//! CancelKeyDeletion: the key stays, and is Disabled; a key that lacks
//! imported material waits for it.

use meridian_proto::v1::{CancelKeyDeletionRequest, CancelKeyDeletionResponse};
use serde::{Deserialize, Serialize};

use crate::arn::KeyRef;
use crate::context::Context;
use crate::error::KmsError;
use crate::ops::{Operation, Planned};
use crate::region::Region;

const OPERATION: Operation = Operation::CancelKeyDeletion;

/// The key that stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    key: KeyRef,
}

/// Finds the key.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &CancelKeyDeletionRequest,
) -> Result<Planned<Change, CancelKeyDeletionResponse>, KmsError> {
    let key = region.admit(cx, OPERATION, &request.key_id)?.key;
    Ok(Planned::Commit(Change { key }))
}

/// Takes the deletion back.
pub fn apply(region: &mut Region, change: &Change) -> Result<CancelKeyDeletionResponse, KmsError> {
    let mut key = region.readmit(OPERATION, &change.key)?;
    key.deletion = None;
    key.enabled = false;
    region.put(key);
    Ok(CancelKeyDeletionResponse {
        key_id: Some(change.key.arn(region.name())),
    })
}
