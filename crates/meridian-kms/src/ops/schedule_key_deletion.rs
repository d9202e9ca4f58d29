//! ScheduleKeyDeletion: the key is gone when its window ends. A primary with
//! replicas waits until the last of them is gone before its window begins.

use meridian_proto::v1::{ScheduleKeyDeletionRequest, ScheduleKeyDeletionResponse};
use serde::{Deserialize, Serialize};

use crate::arn::KeyRef;
use crate::context::Context;
use crate::error::KmsError;
use crate::key::Deletion;
use crate::ops::{Operation, Planned};
use crate::region::Region;

const OPERATION: Operation = Operation::ScheduleKeyDeletion;

/// The key and how long it stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    key: KeyRef,
    window_days: i32,
}

/// Checks the window and finds the key.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &ScheduleKeyDeletionRequest,
) -> Result<Planned<Change, ScheduleKeyDeletionResponse>, KmsError> {
    let window_days = request.pending_window_in_days.unwrap_or(30);
    if !(7..=30).contains(&window_days) {
        // fidelity: assumed, AWS's text for the range it documents is not recorded.
        return Err(KmsError::validation(
            "PendingWindowInDays must be between 7 and 30.",
        ));
    }
    let key = region.admit(cx, OPERATION, &request.key_id)?.key;
    Ok(Planned::Commit(Change { key, window_days }))
}

/// Schedules it.
pub fn apply(
    region: &mut Region,
    change: &Change,
) -> Result<ScheduleKeyDeletionResponse, KmsError> {
    let mut key = region.readmit(OPERATION, &change.key)?;
    let window_days = change.window_days;
    let waits = key.is_primary() && !key.shared.replicas.is_empty();
    let at = region.now().plus_days(window_days.into());
    let deletion = if waits {
        Deletion::AfterReplicas { window_days }
    } else {
        Deletion::At(at)
    };
    key.deletion = Some(deletion);
    let state = key.state(region.name());
    region.put(key);
    Ok(ScheduleKeyDeletionResponse {
        key_id: Some(change.key.arn(region.name())),
        deletion_date: (!waits).then(|| at.to_proto()),
        key_state: Some(state.name().into()),
        pending_window_in_days: Some(window_days),
    })
}
