//! `KeyMetadata`: how CreateKey, DescribeKey and ReplicateKey show a key.

use meridian_crypto::KeySpec;
use meridian_crypto::MaterialId;
use meridian_proto::v1;

use crate::arn::{KeyRef, RegionName};
use crate::key::{Deletion, Key};
use crate::key_set::{Origin, SharedProperties};
use crate::key_state::KeyState;
use crate::key_usage::{self, KeyUsage};

/// The metadata of a key as its own region shows it.
pub(crate) fn of(key: &Key, here: &RegionName) -> v1::KeyMetadata {
    let state = key.state(here);
    let mut metadata = common(&key.key, here, &key.shared);
    metadata.creation_date = Some(key.created.to_proto());
    metadata.enabled = Some(state == KeyState::Enabled);
    metadata.description = Some(key.description.clone());
    if key.managed_for.is_some() {
        metadata.key_manager = Some("AWS".into());
    }
    metadata.key_state = Some(state.name().into());
    match key.deletion {
        Some(Deletion::At(at)) => metadata.deletion_date = Some(at.to_proto()),
        Some(Deletion::AfterReplicas { window_days }) => {
            metadata.pending_deletion_window_in_days = Some(window_days);
        }
        None => {}
    }
    if state != KeyState::Creating && key.shared.spec == KeySpec::SymmetricDefault {
        let current = key.shared.current();
        metadata.current_key_material_id =
            current.and_then(|material| shown_material(key, &material.id));
    }
    if let Some(custody) = &key.custody {
        metadata.custom_key_store_id = Some(custody.store.to_string());
        metadata.cloud_hsm_cluster_id = custody.cluster.clone();
        let id = custody.xks_key_id.clone();
        metadata.xks_key_configuration = id.map(|id| v1::XksKeyConfigurationType { id: Some(id) });
    }
    show_expiration(key, &mut metadata);
    metadata.multi_region_configuration = key
        .shared
        .multi_region
        .then(|| configuration(&key.key, here, &key.shared));
    metadata
}

/// The ID of a material as answers show it: not for keys in a custom key store.
pub(crate) fn shown_material(key: &Key, id: &MaterialId) -> Option<String> {
    (!key.shared.origin.is_custom()).then(|| id.to_string())
}

/// The metadata of a replica that has only just been asked for.
pub(crate) fn of_new_replica(
    primary: &Key,
    replica: &RegionName,
    created: crate::time::Timestamp,
    description: &str,
) -> v1::KeyMetadata {
    let mut metadata = common(&primary.key, replica, &primary.shared);
    metadata.creation_date = Some(created.to_proto());
    metadata.enabled = Some(false);
    metadata.description = Some(description.to_owned());
    metadata.key_state = Some(KeyState::Creating.name().into());
    metadata.multi_region_configuration =
        Some(configuration(&primary.key, replica, &primary.shared));
    metadata
}

fn common(key: &KeyRef, here: &RegionName, shared: &SharedProperties) -> v1::KeyMetadata {
    let of_usage = |usage| shown_algorithms(shared, usage);
    v1::KeyMetadata {
        aws_account_id: Some(key.account.to_string()),
        key_id: Some(key.id.to_string()),
        arn: Some(key.arn(here)),
        key_usage: Some(shared.usage.name().into()),
        origin: Some(shared.origin.name().into()),
        key_manager: Some("CUSTOMER".into()),
        customer_master_key_spec: Some(shared.spec.name().into()),
        key_spec: Some(shared.spec.name().into()),
        encryption_algorithms: of_usage(KeyUsage::EncryptDecrypt),
        signing_algorithms: of_usage(KeyUsage::SignVerify),
        mac_algorithms: of_usage(KeyUsage::GenerateVerifyMac),
        key_agreement_algorithms: of_usage(KeyUsage::KeyAgreement),
        encapsulation_algorithms: of_usage(KeyUsage::EncapsulateDecapsulate),
        multi_region: Some(shared.multi_region),
        ..Default::default()
    }
}

/// The key's algorithms, if this is its usage.
pub(crate) fn shown_algorithms(shared: &SharedProperties, usage: KeyUsage) -> Vec<String> {
    if shared.usage != usage {
        return Vec::new();
    }
    let names = key_usage::algorithms(shared.spec, usage);
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Only permanent material counts, and only while its bytes are here.
fn show_expiration(key: &Key, metadata: &mut v1::KeyMetadata) {
    if key.shared.origin != Origin::External {
        return;
    }
    let held = key
        .shared
        .permanent()
        .filter_map(|material| key.held.get(&material.id));
    let held: Vec<_> = held.filter(|held| held.sealed.is_some()).collect();
    if held.is_empty() {
        return;
    }
    let earliest = held.iter().filter_map(|held| held.expires).min();
    metadata.expiration_model = Some(expiration_model(earliest.is_some()).into());
    metadata.valid_to = earliest.map(|at| at.to_proto());
}

/// AWS's `ExpirationModel`.
pub(crate) fn expiration_model(expires: bool) -> &'static str {
    if expires {
        "KEY_MATERIAL_EXPIRES"
    } else {
        "KEY_MATERIAL_DOES_NOT_EXPIRE"
    }
}

/// Which key is the primary and which are replicas, as seen from a region.
fn configuration(
    key: &KeyRef,
    here: &RegionName,
    shared: &SharedProperties,
) -> v1::MultiRegionConfiguration {
    // While the role moves, the old primary shows the roles as they will be.
    let mut replicas: Vec<&RegionName> = shared.replicas.keys().collect();
    let mut primary = &shared.primary;
    if let Some(hand_over) = &shared.hand_over {
        replicas.retain(|region| **region != hand_over.to);
        replicas.push(primary);
        replicas.sort();
        primary = &hand_over.to;
    }
    let related = |region: &RegionName| v1::MultiRegionKey {
        arn: Some(key.arn(region)),
        region: Some(region.to_string()),
    };
    let is_primary = primary == here;
    v1::MultiRegionConfiguration {
        multi_region_key_type: Some(if is_primary { "PRIMARY" } else { "REPLICA" }.into()),
        primary_key: Some(related(primary)),
        replica_keys: replicas.into_iter().map(related).collect(),
    }
}
