//! `KeySetState`: what WatchKeySet shows of a key set in one region, with, in
//! plain words, what the next rotation waits for.

use meridian_crypto::MaterialId;
use meridian_proto::v1;

use crate::arn::KeyRef;
use crate::key::{Key, Role};
use crate::key_set::Origin;
use crate::material::{MaterialState, RegisteredMaterial};
use crate::region::Region;
use crate::replication::fact::{ReplicaReport, ReportedState};

impl Region {
    /// The set's state as this region knows it; `deleted` once the key is gone.
    pub fn key_set_state(&self, reference: &KeyRef) -> v1::KeySetState {
        let mut state = v1::KeySetState {
            region: self.name().to_string(),
            key_id: reference.id.to_string(),
            arn: reference.arn(self.name()),
            ..Default::default()
        };
        let Some(key) = self.key(reference) else {
            state.deleted = true;
            return state;
        };
        state.role = role(key).into();
        state.key_state = key.state(self.name()).name().into();
        state.epoch = key.shared.version.epoch;
        state.version = key.shared.version.number;
        state.primary_region = key.shared.primary.to_string();
        state.current_key_material_id = key.shared.current().map(|current| current.id.to_string());
        state.materials = key
            .shared
            .materials
            .iter()
            .map(|it| material(key, it))
            .collect();
        state.members = members(self, key);
        state.rotation = key
            .shared
            .rotation
            .as_ref()
            .map(|rotation| v1::KeySetRotation {
                key_material_id: rotation.material.to_string(),
                started: Some(rotation.started.to_proto()),
                waiting_for_regions: match &key.role {
                    Role::Primary { reports, .. } => key
                        .shared
                        .unprepared(reports)
                        .map(ToString::to_string)
                        .collect(),
                    Role::Replica { .. } => Vec::new(),
                },
            });
        state.handing_over_to = key
            .shared
            .hand_over
            .as_ref()
            .map(|over| over.to.to_string());
        state.next_rotation_waits_for = waits_for(self, key);
        state
    }
}

fn role(key: &Key) -> &'static str {
    match (&key.role, key.shared.multi_region) {
        (Role::Primary { .. }, false) => "SINGLE",
        (Role::Primary { .. }, true) if key.is_primary() => "PRIMARY",
        _ => "REPLICA",
    }
}

fn material(key: &Key, material: &RegisteredMaterial) -> v1::KeySetMaterial {
    let imported = key.shared.origin == Origin::External;
    let held = key.held.get(&material.id);
    let import_state = match held {
        Some(held) if held.sealed.is_some() => "IMPORTED",
        Some(_) => "EXPIRED",
        None => "PENDING_IMPORT",
    };
    v1::KeySetMaterial {
        key_material_id: material.id.to_string(),
        description: material.description.clone(),
        key_material_state: material.state.name().into(),
        import_state: imported.then(|| import_state.into()),
        rotation_date: material.rotation.map(|rotation| rotation.date.to_proto()),
        rotation_type: material
            .rotation
            .map(|rotation| rotation.kind.name().into()),
        valid_to: held.and_then(|held| held.expires).map(|at| at.to_proto()),
    }
}

/// The members as this region knows them: itself exactly, and at the primary
/// the others by their last reports.
fn members(region: &Region, key: &Key) -> Vec<v1::KeySetMember> {
    let text = |ids: &std::collections::BTreeSet<MaterialId>| {
        ids.iter().map(MaterialId::to_string).collect()
    };
    let mut regions: Vec<_> = key.shared.replicas.keys().collect();
    regions.push(&key.shared.primary);
    regions.sort();
    let member = |name: &crate::arn::RegionName| {
        let mut member = v1::KeySetMember {
            region: name.to_string(),
            is_primary: *name == key.shared.primary,
            ..Default::default()
        };
        if name == region.name() {
            member.key_state = key.state(name).name().into();
            member.applied_epoch = key.shared.version.epoch;
            member.applied_version = key.shared.version.number;
            member.held_key_material_ids = text(&key.held_ids());
        } else if let Some(report) = key.reports().get(name) {
            member.key_state = reported(report).into();
            member.applied_epoch = report.applied.epoch;
            member.applied_version = report.applied.number;
            member.held_key_material_ids = text(&report.held);
        }
        member
    };
    regions.into_iter().map(member).collect()
}

fn reported(report: &ReplicaReport) -> &'static str {
    match report.state {
        ReportedState::Here(state) => state.name(),
        ReportedState::Gone => "Deleted",
    }
}

/// Nothing when a rotation could be asked for, or is not possible at all.
fn waits_for(region: &Region, key: &Key) -> Vec<String> {
    if !key.is_primary() {
        return match &key.shared.hand_over {
            Some(over) => vec![format!("{} to take over the primary role", over.to)],
            None => vec![format!("the primary, {}, decides", key.shared.primary)],
        };
    }
    let reports = key.reports();
    if key.shared.rotation.is_some() {
        let unprepared = key.shared.unprepared(reports);
        return unprepared
            .map(|member| format!("{member} to confirm the rotation"))
            .collect();
    }
    if key.shared.origin == Origin::AwsKms {
        return Vec::new();
    }
    let Some(pending) = key.shared.pending() else {
        return vec!["new key material to be imported into the primary".into()];
    };
    if pending.state == MaterialState::PendingRotation {
        return Vec::new();
    }
    let id = short(&pending.id);
    let mut missing = Vec::new();
    if key.sealed(&pending.id).is_none() {
        missing.push(region.name());
    }
    missing.extend(key.shared.lacking(&pending.id, reports));
    missing
        .into_iter()
        .map(|member| format!("{member} to import key material {id}"))
        .collect()
}

/// Enough of an ID for a person to tell materials apart.
fn short(id: &MaterialId) -> String {
    id.to_string().chars().take(12).collect::<String>() + "…"
}
