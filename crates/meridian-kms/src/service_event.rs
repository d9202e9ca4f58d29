//! `ServiceEvent`: what KMS does to a key by itself, as AWS tells it in
//! CloudTrail and EventBridge; read from a step between two values of a region.

use meridian_crypto::MaterialId;

use crate::arn::KeyRef;
use crate::key::{Deletion, Key};
use crate::key_set::Origin;
use crate::material::RotationType;
use crate::region::Region;
use crate::replication::feed::FactKind;
use crate::time::Timestamp;

/// Something that happened to a key without a request for it, or after one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceEvent {
    /// The key.
    pub key: KeyRef,
    /// When, in the region's time.
    pub at: Timestamp,
    /// What.
    pub kind: ServiceEventKind,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceEventKind {
    /// Another material encrypts in this region: RotateKey.
    Rotated {
        /// What caused it.
        rotation: RotationType,
        /// Where the key's bytes come from.
        origin: Origin,
        /// The material that encrypted.
        previous: MaterialId,
        /// The material that encrypts.
        current: MaterialId,
    },
    /// Imported material has reached the end of its life:
    /// DeleteExpiredKeyMaterial.
    MaterialExpired {
        /// The material.
        material: MaterialId,
    },
    /// The deletion window is over: DeleteKey.
    Deleted,
    /// A replica has committed the shared properties of this primary:
    /// SynchronizeMultiRegionKey.
    Synchronized,
}

/// What happened between two values of a region, one step apart.
pub fn service_events(before: &Region, after: &Region) -> Vec<ServiceEvent> {
    let mut events = Vec::new();
    let difference = after.difference(before);
    for key in difference.changed {
        if let Some(old) = before.key(&key.key) {
            events.extend(of_key(old, key, after.now()));
        }
    }
    for key in difference.gone {
        let deletion = before.key(&key).and_then(|old| old.deletion);
        let at = match deletion {
            Some(Deletion::At(at)) => at,
            Some(Deletion::AfterReplicas { .. }) | None => after.now(),
        };
        events.push(ServiceEvent {
            key,
            at,
            kind: ServiceEventKind::Deleted,
        });
    }
    events.extend(synchronized(before, after));
    events
}

fn of_key(old: &Key, new: &Key, now: Timestamp) -> Vec<ServiceEvent> {
    let mut events = Vec::new();
    let event = |at, kind| ServiceEvent {
        key: new.key,
        at,
        kind,
    };
    if let (Some(previous), Some(current)) = (old.shared.current(), new.shared.current())
        && previous.id != current.id
        && let Some(rotation) = current.rotation
    {
        let kind = ServiceEventKind::Rotated {
            rotation: rotation.kind,
            origin: new.shared.origin,
            previous: previous.id,
            current: current.id,
        };
        events.push(event(now, kind));
    }
    for (id, held) in &old.held {
        if let Some(expires) = held.expires
            && expires <= now
            && held.sealed.is_some()
            && new.held.contains_key(id)
            && new.sealed(id).is_none()
        {
            let material = *id;
            let kind = ServiceEventKind::MaterialExpired { material };
            events.push(event(expires, kind));
        }
    }
    events
}

/// Primary keys whose shared properties a peer has acknowledged.
fn synchronized(before: &Region, after: &Region) -> Vec<ServiceEvent> {
    let mut events = Vec::new();
    for (peer, feed) in before.feeds() {
        let left = after.feeds().get(peer);
        // A mark that has moved to a newer position is no acknowledgement.
        if left.is_none_or(|left| left.len() >= feed.len()) {
            continue;
        }
        for (_, due) in feed.due().filter(|(_, due)| due.kind == FactKind::Shared) {
            let still = left.is_some_and(|left| {
                let mut same = left.due().filter(|(_, it)| it.kind == FactKind::Shared);
                same.any(|(_, it)| it.key == due.key)
            });
            if !still && after.key(&due.key).is_some() {
                events.push(ServiceEvent {
                    key: due.key,
                    at: after.now(),
                    kind: ServiceEventKind::Synchronized,
                });
            }
        }
    }
    events
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::TestRegion;

    /// What a step does, by its kinds.
    fn kinds(us: &mut TestRegion, step: impl FnOnce(&mut TestRegion)) -> Vec<ServiceEventKind> {
        let before = us.region.clone();
        step(us);
        let events = service_events(&before, &us.region);
        events.into_iter().map(|event| event.kind).collect()
    }

    #[test]
    fn a_rotation_names_both_materials_and_its_cause() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create();
        let id = |us: &mut TestRegion| us.describe(&key).current_key_material_id.unwrap();
        let previous = id(&mut us).parse().unwrap();
        let seen = kinds(&mut us, |us| {
            us.call(meridian_proto::v1::RotateKeyOnDemandRequest {
                key_id: Some(key.clone()),
            })
            .unwrap();
        });
        let current = id(&mut us).parse().unwrap();
        assert_ne!(previous, current);
        assert_eq!(
            seen,
            [ServiceEventKind::Rotated {
                rotation: RotationType::OnDemand,
                origin: Origin::AwsKms,
                previous,
                current,
            }]
        );
    }

    #[test]
    fn expired_material_is_told_and_deleted_material_is_not() {
        let mut us = TestRegion::new("us-east-1");
        let (key, material) = us.create_imported(false, 1);
        let valid_to = us.now.plus_days(3);
        us.import_as(&key, 1, |request| {
            request.expiration_model = Some("KEY_MATERIAL_EXPIRES".into());
            request.valid_to = Some(valid_to.to_proto());
        })
        .unwrap();
        let before = us.region.clone();
        us.pass_days(5);
        let events = service_events(&before, &us.region);
        let material = material.parse().unwrap();
        assert_eq!(
            events,
            [ServiceEvent {
                key: us.reference(&key),
                at: valid_to.whole_seconds(),
                kind: ServiceEventKind::MaterialExpired { material },
            }]
        );
        us.import(&key, 1, "EXISTING_KEY_MATERIAL").unwrap();
        let deleted = kinds(&mut us, |us| {
            us.call(meridian_proto::v1::DeleteImportedKeyMaterialRequest {
                key_id: Some(key.clone()),
                ..Default::default()
            })
            .unwrap();
        });
        assert_eq!(deleted, []);
    }

    #[test]
    fn a_key_is_deleted_when_its_window_ends() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create();
        let scheduled = kinds(&mut us, |us| {
            us.schedule_deletion(&key).unwrap();
        });
        assert_eq!(scheduled, []);
        assert_eq!(
            kinds(&mut us, |us| us.pass_days(8)),
            [ServiceEventKind::Deleted]
        );
    }
}
