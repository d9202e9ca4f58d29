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
        Origin::External => None,
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
    if key.shared.on_demand_rotations >= ON_DEMAND_ROTATIONS_MAX {
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
