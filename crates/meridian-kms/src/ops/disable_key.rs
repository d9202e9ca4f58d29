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

#[cfg(test)]
mod tests {
    use crate::fixture::{TestRegion, refusal};

    #[test]
    fn disabling_a_disabled_key_changes_nothing() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create();
        us.disable(&key).unwrap();
        let described = us.describe(&key);
        assert_eq!(
            (described.enabled, described.key_state.as_deref()),
            (Some(false), Some("Disabled"))
        );
        let before = us.region.encode();
        us.disable(&key).unwrap();
        assert!(us.region.encode() == before);
    }

    #[test]
    fn a_key_without_material_cannot_be_disabled() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create_external(false);
        let pending_import = format!(
            "KMSInvalidStateException: {} is pending import.",
            us.arn(&key)
        );
        assert_eq!(refusal(us.disable(&key)), pending_import);
        assert_eq!(refusal(us.enable(&key)), pending_import);
    }
}
