//! CancelKeyDeletion: the key stays, and is Disabled; a key that lacks
//! imported material waits for it.

use meridian_proto::v1::{CancelKeyDeletionRequest, CancelKeyDeletionResponse};
use serde::{Deserialize, Serialize};

use crate::arn::KeyRef;
use crate::context::Context;
use crate::error::KmsError;
use crate::ops::{Operation, Planned};
use crate::planted::{Bug, is_planted};
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
    key.enabled = is_planted(Bug::CancelEnables);
    region.put(key);
    Ok(CancelKeyDeletionResponse {
        key_id: Some(change.key.arn(region.name())),
    })
}

#[cfg(test)]
mod tests {
    use crate::fixture::{TestRegion, refusal};

    #[test]
    fn a_key_whose_deletion_is_cancelled_is_disabled_and_stays() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create();
        us.schedule_deletion(&key).unwrap();
        let answer = us.cancel_deletion(&key).unwrap();
        assert_eq!(answer.key_id, Some(us.arn(&key)));
        us.pass_days(8);
        assert_eq!(us.state(&key), "Disabled");
        assert_eq!(us.describe(&key).deletion_date, None);
    }

    #[test]
    fn a_key_that_lacks_its_material_waits_for_it_after_the_cancellation() {
        let mut us = TestRegion::new("us-east-1");
        let (key, _) = us.create_imported(false, 1);
        us.schedule_deletion(&key).unwrap();
        us.delete_material(&key, None).unwrap();
        assert_eq!(us.state(&key), "PendingDeletion");
        us.cancel_deletion(&key).unwrap();
        assert_eq!(us.state(&key), "PendingImport");
    }

    #[test]
    fn only_a_scheduled_deletion_can_be_cancelled() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create();
        let not_pending = format!(
            "KMSInvalidStateException: {} is not pending deletion.",
            us.arn(&key)
        );
        assert_eq!(refusal(us.cancel_deletion(&key)), not_pending);
    }
}
