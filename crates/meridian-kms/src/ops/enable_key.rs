//! EnableKey: a disabled key becomes usable again. Enabling an enabled key
//! succeeds and changes nothing.
//!
//! An automatic rotation that fell due meanwhile happens at once, and the
//! schedule goes on from there.

use meridian_proto::v1::{EnableKeyRequest, EnableKeyResponse};
use serde::{Deserialize, Serialize};

use crate::arn::KeyRef;
use crate::context::Context;
use crate::error::KmsError;
use crate::ops::{Operation, Planned};
use crate::region::Region;

/// The key to enable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    key: KeyRef,
}

/// Finds the key.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &EnableKeyRequest,
) -> Result<Planned<Change, EnableKeyResponse>, KmsError> {
    let key = region.admit(cx, Operation::EnableKey, &request.key_id)?.key;
    Ok(Planned::Commit(Change { key }))
}

/// Enables it.
pub fn apply(region: &mut Region, change: &Change) -> Result<EnableKeyResponse, KmsError> {
    let mut key = region.readmit(Operation::EnableKey, &change.key)?;
    let was_enabled = std::mem::replace(&mut key.enabled, true);
    if !was_enabled && key.is_primary() {
        let now = region.now();
        if let Some(automatic) = &mut key.shared.automatic
            && automatic.next < now
        {
            automatic.next = now;
        }
    }
    region.put(key);
    Ok(EnableKeyResponse {})
}

#[cfg(test)]
mod tests {
    use crate::fixture::{TestRegion, refusal};

    #[test]
    fn a_disabled_key_is_usable_again_after_it_was_enabled() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create();
        let blob = us.encrypt(&key, "hello").unwrap();
        us.disable(&key).unwrap();
        let disabled = format!("DisabledException: {} is disabled.", us.arn(&key));
        assert_eq!(refusal(us.decrypt(&blob)), disabled);
        us.enable(&key).unwrap();
        assert_eq!(us.decrypt(&blob).unwrap(), "hello");
    }

    #[test]
    fn enabling_an_enabled_key_changes_nothing() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create();
        let before = us.region.encode();
        us.enable(&key).unwrap();
        assert!(us.region.encode() == before);
    }
}
