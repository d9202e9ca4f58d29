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

#[cfg(test)]
mod tests {
    use meridian_proto::v1::UpdateKeyDescriptionRequest;

    use crate::fixture::{TestRegion, refusal};

    #[test]
    fn the_description_is_replaced_unless_the_key_is_being_deleted() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create();
        let update = |text: &str| UpdateKeyDescriptionRequest {
            key_id: Some(key.clone()),
            description: Some(text.into()),
        };
        us.call(update("new")).unwrap();
        assert_eq!(us.describe(&key).description.as_deref(), Some("new"));
        us.schedule_deletion(&key).unwrap();
        let deleted = format!(
            "KMSInvalidStateException: {} is pending deletion.",
            us.arn(&key)
        );
        assert_eq!(refusal(us.call(update("newer"))), deleted);
    }
}
