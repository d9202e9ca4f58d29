//! ReplicateKey: a multi-Region primary gets a replica in another region.
//!
//! The region belongs to the set from the moment this is committed, and learns
//! of it by the set's next fact. It starts without imported material.

use std::collections::BTreeMap;

use meridian_proto::v1::{ReplicateKeyRequest, ReplicateKeyResponse, Tag};
use serde::{Deserialize, Serialize};

use crate::admission::required;
use crate::arn::{KeyRef, RegionName};
use crate::context::Context;
use crate::error::{ErrorCode, KmsError};
use crate::key::{Key, Role};
use crate::ops::{Operation, Planned};
use crate::region::Region;
use crate::replication::fact::ReplicaAttributes;
use crate::replication::preflight::Question;
use crate::{metadata, policy, tag};

const OPERATION: Operation = Operation::ReplicateKey;

/// The replica to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    key: KeyRef,
    region: RegionName,
    attributes: ReplicaAttributes,
}

/// Checks the target region, and asks it whether it can be reached and has no
/// such key.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &ReplicateKeyRequest,
) -> Result<Planned<Change, ReplicateKeyResponse>, KmsError> {
    let key = region.admit(cx, OPERATION, &request.key_id)?;
    let to = required(&request.replica_region)?;
    let to = check_region(region, cx, to)?;
    check_vacant(key, &to)?;
    policy::check(&request.policy)?;
    let tags = tag::collect(&request.tags)?;
    match cx.answer {
        None => {
            return Ok(Planned::Ask(Question {
                region: to,
                key: key.key,
            }));
        }
        Some(answer) if answer.state.is_some() => return Err(occupied()),
        Some(_) => {}
    }
    let attributes = ReplicaAttributes {
        description: request.description.clone().unwrap_or_default(),
        policy: request.policy.clone(),
        tags,
    };
    Ok(Planned::Commit(Change {
        key: key.key,
        region: to,
        attributes,
    }))
}

/// Adds the region to the set.
pub fn apply(region: &mut Region, change: &Change) -> Result<ReplicateKeyResponse, KmsError> {
    let mut key = region.readmit(OPERATION, &change.key)?;
    check_vacant(&key, &change.region)?;
    let joined = key.shared.next_version();
    key.shared.replicas.insert(change.region.clone(), joined);
    if let Role::Primary {
        joining, reports, ..
    } = &mut key.role
    {
        reports.remove(&change.region);
        joining.insert(change.region.clone(), change.attributes.clone());
    }
    let attributes = &change.attributes;
    let default = || policy::default_text(change.key.account, &change.region);
    let response = ReplicateKeyResponse {
        replica_key_metadata: Some(metadata::of_new_replica(
            &key,
            &change.region,
            region.now(),
            &attributes.description,
        )),
        replica_policy: Some(attributes.policy.clone().unwrap_or_else(default)),
        replica_tags: tags(&attributes.tags),
    };
    region.put(key);
    Ok(response)
}

fn tags(tags: &BTreeMap<String, String>) -> Vec<Tag> {
    let tag = |(key, value): (&String, &String)| Tag {
        tag_key: Some(key.clone()),
        tag_value: Some(value.clone()),
    };
    tags.iter().map(tag).collect()
}

fn check_region(region: &Region, cx: &Context<'_>, to: &str) -> Result<RegionName, KmsError> {
    let unknown = || {
        KmsError::validation(format!(
            "Region {to} is not a valid Region or multi-Region keys are not supported in Region \
             {to}."
        ))
    };
    let name: RegionName = to.parse().map_err(|_| unknown())?;
    if name == *region.name() {
        return Err(KmsError::validation(format!(
            "{to} cannot have a replica because it contains the primary."
        )));
    }
    if name.partition() != region.name().partition() {
        return Err(KmsError::validation(
            "The replica key Region must be in the same AWS partition as the primary key Region.",
        ));
    }
    if cx.regions.contains(&name) {
        Ok(name)
    } else {
        Err(unknown())
    }
}

/// One replica in each region, also while its deletion is pending.
fn check_vacant(key: &Key, to: &RegionName) -> Result<(), KmsError> {
    if key.shared.replicas.contains_key(to) {
        Err(occupied())
    } else {
        Ok(())
    }
}

fn occupied() -> KmsError {
    KmsError::new(
        ErrorCode::AlreadyExistsException,
        "You can create only one replica of each primary key in each AWS Region.",
    )
}
