//! ReplicateKey: a multi-Region primary gets a replica in another region.
//!
//! The region belongs to the set from the moment this is committed, and learns
//! of it by the set's next fact. It starts without imported material.

use meridian_proto::v1::{ReplicateKeyRequest, ReplicateKeyResponse};
use serde::{Deserialize, Serialize};

use crate::admission::{Naming, required};
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
    let key_id = required(&request.key_id)?;
    let key = region.find_allowed(cx, OPERATION.action(), key_id, Naming::KeyOnly)?;
    region.authorize_creation(cx, &request.tags)?;
    region.check(OPERATION, key)?;
    let to = required(&request.replica_region)?;
    let to = check_region(region, cx, to)?;
    check_vacant(key, &to)?;
    let bypass = request.bypass_policy_lockout_safety_check;
    policy::check(region, cx, (&key.key, None), &request.policy, bypass)?;
    let tags = tag::collect(&request.tags)?;
    match &cx.answer {
        None => {
            return Ok(Planned::Ask(Question {
                region: to,
                key: key.key,
                primary_for: None,
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
    let metadata =
        metadata::of_new_replica(&key, &change.region, region.now(), &attributes.description);
    let response = ReplicateKeyResponse {
        replica_key_metadata: Some(metadata.into()),
        replica_policy: Some(attributes.policy.clone().unwrap_or_else(default)),
        replica_tags: attributes.tags.iter().map(tag::to_proto).collect(),
    };
    region.put(key);
    Ok(response)
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

#[cfg(test)]
mod tests {
    use meridian_proto::v1::{ReplicateKeyRequest, Tag};

    use crate::fixture::{TestRegion, refusal};
    use crate::{Answer, KeyState};

    fn request(key: &str, region: &str) -> ReplicateKeyRequest {
        ReplicateKeyRequest {
            key_id: Some(key.into()),
            replica_region: Some(region.into()),
            ..Default::default()
        }
    }

    fn us() -> TestRegion {
        let mut us = TestRegion::new("us-east-1");
        us.answer = Some(Answer::default());
        us
    }

    #[test]
    fn the_answer_shows_a_replica_that_is_being_created() {
        let mut us = us();
        let key = us.create_multi_region();
        let answer = us.call(request(&key, "eu-west-1")).unwrap();
        let replica = answer.replica_key_metadata.unwrap();
        let arn = us.arn(&key).replace("us-east-1", "eu-west-1");
        assert_eq!(replica.arn, Some(arn.clone()));
        assert_eq!(replica.key_state.as_deref(), Some("Creating"));
        assert_eq!(replica.enabled, Some(false));
        assert_eq!(replica.current_key_material_id, None);
        let configuration = replica.multi_region_configuration.unwrap();
        assert_eq!(
            configuration.multi_region_key_type.as_deref(),
            Some("REPLICA")
        );
        assert_eq!(configuration.primary_key.unwrap().arn, Some(us.arn(&key)));
        assert_eq!(configuration.replica_keys.len(), 1);
        assert_eq!(configuration.replica_keys[0].arn, Some(arn));
        assert!(answer.replica_policy.unwrap().contains("key-default-1"));
        assert_eq!(answer.replica_tags, []);
        let described = us.describe(&key).multi_region_configuration.unwrap();
        assert_eq!(described.replica_keys, configuration.replica_keys);
    }

    #[test]
    fn policy_description_and_tags_are_the_replicas_own() {
        let mut us = us();
        let key = us.create_multi_region();
        let tag = Tag {
            tag_key: Some("a".into()),
            tag_value: Some("b".into()),
        };
        let policy =
            r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}"#;
        let own = ReplicateKeyRequest {
            description: Some("mine".into()),
            policy: Some(policy.into()),
            tags: vec![tag.clone()],
            ..request(&key, "eu-west-1")
        };
        let answer = us.call(own).unwrap();
        assert_eq!(
            answer.replica_key_metadata.unwrap().description.as_deref(),
            Some("mine")
        );
        assert_eq!(answer.replica_policy.as_deref(), Some(policy));
        assert_eq!(answer.replica_tags, [tag]);
    }

    #[test]
    fn a_region_that_cannot_have_a_replica_is_refused() {
        let mut us = us();
        let key = us.create_multi_region();
        let refused = |us: &mut TestRegion, to| refusal(us.call(request(&key, to)));
        assert_eq!(
            refused(&mut us, "us-east-1"),
            "ValidationException: us-east-1 cannot have a replica because it contains the primary."
        );
        assert_eq!(
            refused(&mut us, "us-gov-west-1"),
            "ValidationException: The replica key Region must be in the same AWS partition as the \
             primary key Region."
        );
        assert_eq!(
            refused(&mut us, "mars-north-1"),
            "ValidationException: Region mars-north-1 is not a valid Region or multi-Region keys \
             are not supported in Region mars-north-1."
        );
        us.call(request(&key, "eu-west-1")).unwrap();
        let taken = "AlreadyExistsException: You can create only one replica of each primary key \
                     in each AWS Region.";
        assert_eq!(refused(&mut us, "eu-west-1"), taken);
        us.answer = Some(Answer {
            state: Some(KeyState::PendingDeletion),
            ..Default::default()
        });
        assert_eq!(
            refused(&mut us, "ap-south-1"),
            taken,
            "that region has one nobody knew of"
        );
        us.answer = None;
        let unreachable = refused(&mut us, "sa-east-1");
        assert!(
            unreachable.starts_with("KMSInternalException"),
            "{unreachable}"
        );
    }

    #[test]
    fn only_a_usable_multi_region_primary_is_replicated() {
        let mut us = us();
        let single = us.create();
        let arn = us.arn(&single);
        assert_eq!(
            refusal(us.call(request(&single, "eu-west-1"))),
            format!("UnsupportedOperationException: {arn} is not a multi-region primary key.")
        );
        let empty = us.create_external(true);
        let arn = us.arn(&empty);
        assert_eq!(
            refusal(us.call(request(&empty, "eu-west-1"))),
            format!("KMSInvalidStateException: {arn} is pending import.")
        );
        let disabled = us.create_multi_region();
        us.disable(&disabled).unwrap();
        let arn = us.arn(&disabled);
        assert_eq!(
            refusal(us.call(request(&disabled, "eu-west-1"))),
            format!("DisabledException: {arn} is disabled.")
        );
    }
}
