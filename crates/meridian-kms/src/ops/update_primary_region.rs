//! UpdatePrimaryRegion: the primary role moves to a replica.
//!
//! Called at the primary. It takes the permission on both keys, and both must be
//! Enabled; the other region is asked first, so that a call into an unreachable one
//! fails without effect. Once committed, the hand-over waits for the link however
//! long that takes.

use meridian_proto::v1::{UpdatePrimaryRegionRequest, UpdatePrimaryRegionResponse};
use serde::{Deserialize, Serialize};

use crate::admission::required;
use crate::arn::{KeyRef, RegionName};
use crate::authority::Authority;
use crate::authorization::denied;
use crate::context::Context;
use crate::error::KmsError;
use crate::key::Key;
use crate::key_state;
use crate::ops::{Operation, Planned};
use crate::region::Region;
use crate::replication::hand_over;
use crate::replication::preflight::Question;

const OPERATION: Operation = Operation::UpdatePrimaryRegion;

/// Where the role goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    key: KeyRef,
    to: RegionName,
}

/// Checks both keys.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &UpdatePrimaryRegionRequest,
) -> Result<Planned<Change, UpdatePrimaryRegionResponse>, KmsError> {
    let key = region.admit(cx, OPERATION, &request.key_id)?;
    let to = required(&request.primary_region)?;
    if to == region.name().as_str() {
        return Ok(Planned::Reply(UpdatePrimaryRegionResponse {}));
    }
    let to: RegionName = to.parse().map_err(|_| no_replica(key))?;
    check(region, key, &to)?;
    let Some(answer) = &cx.answer else {
        return Ok(Planned::Ask(Question {
            region: to,
            key: key.key,
            primary_for: match cx.authority {
                Authority::Open => None,
                Authority::Enforced(_) => Some(cx.caller.clone()),
            },
        }));
    };
    let state = answer.state.ok_or_else(|| no_replica(key))?;
    if let Some(message) = &answer.denied {
        return Err(denied(message.clone()));
    }
    key_state::admit(OPERATION, state, key.key.arn_in(&to))?;
    Ok(Planned::Commit(Change { key: key.key, to }))
}

/// The primary's last act in its epoch.
pub fn apply(
    region: &mut Region,
    change: &Change,
) -> Result<UpdatePrimaryRegionResponse, KmsError> {
    let mut key = region.readmit(OPERATION, &change.key)?;
    check(region, &key, &change.to)?;
    hand_over::begin(&mut key, region.name(), &change.to);
    region.put(key);
    Ok(UpdatePrimaryRegionResponse {})
}

fn check(region: &Region, key: &Key, to: &RegionName) -> Result<(), KmsError> {
    if !key.shared.replicas.contains_key(to) {
        return Err(no_replica(key));
    }
    if key.shared.rotation.is_some() {
        // fidelity: assumed, AWS's text during a rotation is not recorded.
        let arn = key.key.arn(region.name());
        return Err(KmsError::invalid_state(format!(
            "A key rotation is in progress for {arn}."
        )));
    }
    Ok(())
}

fn no_replica(key: &Key) -> KmsError {
    let id = key.key.id;
    KmsError::validation(format!(
        "{id} does not have a replica key in the specified Region."
    ))
}
