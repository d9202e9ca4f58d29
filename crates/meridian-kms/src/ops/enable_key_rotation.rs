//! EnableKeyRotation: the key rotates by itself, every period from now on.
//!
//! Enabling again restarts the schedule and keeps the period unless a new one
//! is given.

use meridian_proto::v1::{EnableKeyRotationRequest, EnableKeyRotationResponse};
use serde::{Deserialize, Serialize};

use crate::arn::KeyRef;
use crate::context::Context;
use crate::error::KmsError;
use crate::key_set::AutomaticRotation;
use crate::ops::{Operation, Planned};
use crate::region::Region;

const OPERATION: Operation = Operation::EnableKeyRotation;

/// AWS's default period.
const PERIOD_DAYS_DEFAULT: i32 = 365;

/// The key and, if given, its period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    key: KeyRef,
    period_days: Option<i32>,
}

/// Finds the key.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &EnableKeyRotationRequest,
) -> Result<Planned<Change, EnableKeyRotationResponse>, KmsError> {
    let key = region.admit(cx, OPERATION, &request.key_id)?.key;
    Ok(Planned::Commit(Change {
        key,
        period_days: request.rotation_period_in_days,
    }))
}

/// Starts the schedule.
pub fn apply(region: &mut Region, change: &Change) -> Result<EnableKeyRotationResponse, KmsError> {
    let mut key = region.readmit(OPERATION, &change.key)?;
    let in_force = key.shared.automatic.map(|automatic| automatic.period_days);
    let period_days = change
        .period_days
        .or(in_force)
        .unwrap_or(PERIOD_DAYS_DEFAULT);
    let next = region.now().plus_days(period_days.into());
    key.shared.automatic = Some(AutomaticRotation { period_days, next });
    region.put(key);
    Ok(EnableKeyRotationResponse {})
}
