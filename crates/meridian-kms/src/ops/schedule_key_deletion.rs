//! ScheduleKeyDeletion: the key is gone when its window ends. A primary with
//! replicas waits until the last of them is gone before its window begins.

use meridian_proto::v1::{ScheduleKeyDeletionRequest, ScheduleKeyDeletionResponse};
use serde::{Deserialize, Serialize};

use crate::arn::KeyRef;
use crate::context::Context;
use crate::error::KmsError;
use crate::key::Deletion;
use crate::ops::{Operation, Planned};
use crate::planted::{Bug, is_planted};
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
    let has_replicas = !key.shared.replicas.is_empty();
    let waits = key.is_primary() && has_replicas && !is_planted(Bug::PrimaryGoesFirst);
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

#[cfg(test)]
mod tests {
    use meridian_proto::v1::{CreateAliasRequest, ListAliasesRequest, ScheduleKeyDeletionRequest};

    use crate::fixture::{START, TestRegion, refusal};

    #[test]
    fn a_key_is_gone_with_its_aliases_when_its_window_ends() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create();
        us.call(CreateAliasRequest {
            alias_name: Some("alias/mine".into()),
            target_key_id: Some(key.clone()),
        })
        .unwrap();
        let answer = us.schedule_deletion(&key).unwrap();
        assert_eq!(answer.key_id, Some(us.arn(&key)));
        assert_eq!(answer.deletion_date, Some(START.plus_days(7).to_proto()));
        assert_eq!(answer.key_state.as_deref(), Some("PendingDeletion"));
        assert_eq!(answer.pending_window_in_days, Some(7));
        assert_eq!(us.describe(&key).deletion_date, answer.deletion_date);
        us.pass(7 * crate::fixture::DAY_MS - 1);
        assert_eq!(us.state(&key), "PendingDeletion");
        us.pass(1);
        assert_eq!(us.state(&key), "gone");
        let request = ListAliasesRequest::default();
        assert_eq!(us.call(request).unwrap().aliases, []);
        let deleted = format!("NotFoundException: Key '{}' does not exist", us.arn(&key));
        assert_eq!(refusal(us.enable(&key)), deleted);
    }

    #[test]
    fn the_window_is_30_days_unless_given_and_between_7_and_30() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create();
        let mut schedule = |days: Option<i32>| {
            us.call(ScheduleKeyDeletionRequest {
                key_id: Some(key.clone()),
                pending_window_in_days: days,
            })
        };
        for days in [6, 31] {
            assert!(refusal(schedule(Some(days))).starts_with("ValidationException"));
        }
        assert_eq!(schedule(None).unwrap().pending_window_in_days, Some(30));
        let again = refusal(schedule(None));
        assert_eq!(
            again,
            format!(
                "KMSInvalidStateException: {} is pending deletion.",
                us.arn(&key)
            )
        );
    }
}
