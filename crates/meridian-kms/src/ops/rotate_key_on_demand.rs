//! RotateKeyOnDemand: the pending imported material, or a generated one,
//! becomes current in the whole set.
//!
//! Answered when the rotation is accepted; it is switched once every member
//! has prepared (R1). Asking again while it runs succeeds and changes nothing.

use meridian_crypto::{MaterialId, Sealed};
use meridian_proto::v1::{RotateKeyOnDemandRequest, RotateKeyOnDemandResponse};
use serde::{Deserialize, Serialize};

use crate::arn::KeyRef;
use crate::automatic_rotation::{associate, generate};
use crate::context::Context;
use crate::error::{ErrorCode, KmsError};
use crate::key::Key;
use crate::key_set::{ON_DEMAND_ROTATIONS_MAX, Origin};
use crate::material::{MaterialState, RotationType};
use crate::ops::{Operation, Planned};
use crate::planted::{Bug, is_planted};
use crate::region::Region;
use crate::time::Timestamp;

const OPERATION: Operation = Operation::RotateKeyOnDemand;

/// An automatic rotation this close is not overtaken.
const AUTOMATIC_SOON_MS: i64 = 20 * 60 * 1000;

/// The key and, for origin AWS_KMS, its next material.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    key: KeyRef,
    generated: Option<(MaterialId, Sealed)>,
}

/// Checks, and generates what is needed.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &RotateKeyOnDemandRequest,
) -> Result<Planned<Change, RotateKeyOnDemandResponse>, KmsError> {
    let key = region.admit(cx, OPERATION, &request.key_id)?;
    check(region, key, region.now().max(cx.now))?;
    let generated = match key.shared.origin {
        Origin::AwsKms => Some(generate(key, cx.vault, cx.entropy)),
        // Keys in custom key stores have been refused.
        Origin::External | Origin::AwsCloudHsm | Origin::ExternalKeyStore => None,
    };
    Ok(Planned::Commit(Change {
        key: key.key,
        generated,
    }))
}

/// Accepts the rotation.
pub fn apply(region: &mut Region, change: &Change) -> Result<RotateKeyOnDemandResponse, KmsError> {
    let mut key = region.readmit(OPERATION, &change.key)?;
    let now = region.now();
    check(region, &key, now)?;
    if key.shared.rotation.is_none() {
        if let Some((id, sealed)) = &change.generated {
            associate(&mut key, *id, sealed.clone());
        }
        key.shared.on_demand_rotations += 1;
        key.shared.accept_rotation(RotationType::OnDemand, now);
        region.put(key);
    } else if is_planted(Bug::RotationCountedTwice) {
        key.shared.on_demand_rotations += 1;
        region.put(key);
    }
    Ok(RotateKeyOnDemandResponse {
        key_id: Some(change.key.arn(region.name())),
    })
}

/// What the table of key states does not say.
fn check(region: &Region, key: &Key, now: Timestamp) -> Result<(), KmsError> {
    let arn = key.key.arn(region.name());
    let soon = key.shared.automatic;
    let soon = soon.is_some_and(|automatic| automatic.next.0 - now.0 <= AUTOMATIC_SOON_MS);
    match &key.shared.rotation {
        Some(rotation) if rotation.kind == RotationType::OnDemand => return Ok(()),
        Some(_) => return Err(conflict(&arn)),
        None if soon => return Err(conflict(&arn)),
        None => {}
    }
    if key.shared.origin == Origin::External {
        match key.shared.pending().map(|pending| pending.state) {
            Some(MaterialState::PendingRotation) => {}
            Some(_) => {
                return Err(KmsError::invalid_state(
                    "Cannot perform key material rotation: Key material has not been imported \
                     for replicas of the Multi-Region key.",
                ));
            }
            None => {
                return Err(KmsError::invalid_state(format!(
                    "No available key material pending rotation for the key: {arn}."
                )));
            }
        }
    }
    let reached = key.shared.on_demand_rotations >= ON_DEMAND_ROTATIONS_MAX;
    if reached && !is_planted(Bug::RotationsUnlimited) {
        return Err(KmsError::new(
            ErrorCode::LimitExceededException,
            format!(
                "The on-demand rotations limit has been reached for the given keyId. No more \
                 on-demand rotations can be performed for this key: {arn}"
            ),
        ));
    }
    Ok(())
}

// fidelity: assumed, AWS documents the code and not the text.
fn conflict(arn: &str) -> KmsError {
    KmsError::new(
        ErrorCode::ConflictException,
        format!("A key rotation is in progress or scheduled to begin soon for {arn}."),
    )
}

#[cfg(test)]
mod tests {
    use crate::fixture::{DAY_MS, START, TestRegion, refusal};

    #[test]
    fn generated_material_is_replaced_at_once_in_a_region_of_its_own() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create();
        let first = us.describe(&key).current_key_material_id;
        let old = us.encrypt(&key, "old").unwrap();
        us.pass_days(1);
        assert_eq!(us.rotate(&key).unwrap().key_id, Some(us.arn(&key)));
        let second = us.describe(&key).current_key_material_id;
        assert_ne!(first, second);
        assert_eq!(
            us.rotation_status(&key)
                .unwrap()
                .on_demand_rotation_start_date,
            None
        );
        let listed = us.rotations(&key).remove(0);
        assert_eq!(listed.key_material_id, second);
        assert_eq!(listed.rotation_type.as_deref(), Some("ON_DEMAND"));
        assert_eq!(listed.rotation_date, Some(START.plus_days(1).to_proto()));
        assert_eq!(us.decrypt(&old).unwrap(), "old");
    }

    #[test]
    fn imported_material_has_to_be_waiting() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create_external(false);
        let arn = us.arn(&key);
        let pending_import = format!("KMSInvalidStateException: {arn} is pending import.");
        assert_eq!(refusal(us.rotate(&key)), pending_import);
        us.import(&key, 1, "NEW_KEY_MATERIAL").unwrap();
        let nothing = format!(
            "KMSInvalidStateException: No available key material pending rotation for the key: \
             {arn}."
        );
        assert_eq!(refusal(us.rotate(&key)), nothing);
        let second = us.import(&key, 2, "NEW_KEY_MATERIAL").unwrap();
        us.rotate(&key).unwrap();
        assert_eq!(us.describe(&key).current_key_material_id, Some(second));
        assert_eq!(
            us.material_states(&key),
            ["NON_CURRENT/IMPORTED", "CURRENT/IMPORTED"]
        );
        assert_eq!(refusal(us.rotate(&key)), nothing);
    }

    #[test]
    fn a_key_of_one_region_may_rotate_to_material_that_has_expired() {
        let mut us = TestRegion::new("us-east-1");
        let (key, _) = us.create_imported(false, 1);
        let valid_to = us.now.plus_days(1);
        us.import_as(&key, 2, |request| {
            request.import_type = Some("NEW_KEY_MATERIAL".into());
            request.expiration_model = Some("KEY_MATERIAL_EXPIRES".into());
            request.valid_to = Some(valid_to.to_proto());
        })
        .unwrap();
        us.pass_days(1);
        us.rotate(&key).unwrap();
        assert_eq!(us.state(&key), "PendingImport");
    }

    #[test]
    fn a_disabled_key_does_not_rotate() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create();
        us.disable(&key).unwrap();
        let disabled = format!("DisabledException: {} is disabled.", us.arn(&key));
        assert_eq!(refusal(us.rotate(&key)), disabled);
    }

    #[test]
    fn an_automatic_rotation_within_20_minutes_is_not_overtaken() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create();
        us.enable_rotation(&key, Some(90)).unwrap();
        us.now = START.plus_ms(90 * DAY_MS - 20 * 60 * 1000 - 1);
        us.rotate(&key).unwrap();
        us.now = us.now.plus_ms(1);
        assert!(refusal(us.rotate(&key)).starts_with("ConflictException"));
    }

    #[test]
    fn automatic_rotations_do_not_count_towards_the_25() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create();
        us.enable_rotation(&key, Some(90)).unwrap();
        us.pass_days(90);
        for _ in 0..25 {
            us.rotate(&key).unwrap();
        }
        assert!(refusal(us.rotate(&key)).starts_with("LimitExceededException"));
        us.pass_days(90);
        assert_eq!(us.rotations(&key).len(), 27);
    }
}
