//! Key sets as JSON documents, for `--output json`.

use std::time::SystemTime;

use meridian_proto::v1::{KeySetMaterial, KeySetMember, KeySetState};
use prost_types::Timestamp;
use serde_json::{Value, json};

/// A moment as RFC 3339 text in UTC.
pub fn moment(timestamp: &Timestamp) -> String {
    match SystemTime::try_from(*timestamp) {
        Ok(time) => humantime::format_rfc3339_seconds(time).to_string(),
        Err(_) => "a time before 1970".to_owned(),
    }
}

/// A moment to the minute in UTC, for tables.
pub fn minute(timestamp: &Timestamp) -> String {
    let moment = moment(timestamp).replace('T', " ");
    moment.get(..16).unwrap_or(&moment).to_owned()
}

/// Everything one region tells about a key.
pub fn key_set_state(state: &KeySetState) -> Value {
    json!({
        "region": state.region,
        "key_id": state.key_id,
        "arn": state.arn,
        "role": state.role,
        "key_state": state.key_state,
        "epoch": state.epoch,
        "version": state.version,
        "primary_region": state.primary_region,
        "current_key_material_id": state.current_key_material_id,
        "materials": state.materials.iter().map(material).collect::<Vec<_>>(),
        "members": state.members.iter().map(member).collect::<Vec<_>>(),
        "rotation": state.rotation.as_ref().map(|rotation| json!({
            "key_material_id": rotation.key_material_id,
            "started": rotation.started.as_ref().map(moment),
            "waiting_for_regions": rotation.waiting_for_regions,
        })),
        "handing_over_to": state.handing_over_to,
        "next_rotation_waits_for": state.next_rotation_waits_for,
    })
}

fn material(material: &KeySetMaterial) -> Value {
    json!({
        "key_material_id": material.key_material_id,
        "description": material.description,
        "key_material_state": material.key_material_state,
        "import_state": material.import_state,
        "rotation_date": material.rotation_date.as_ref().map(moment),
        "rotation_type": material.rotation_type,
        "valid_to": material.valid_to.as_ref().map(moment),
    })
}

fn member(member: &KeySetMember) -> Value {
    json!({
        "region": member.region,
        "key_state": member.key_state,
        "applied_epoch": member.applied_epoch,
        "applied_version": member.applied_version,
        "held_key_material_ids": member.held_key_material_ids,
        "is_primary": member.is_primary,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_in_utc() {
        let timestamp = Timestamp {
            seconds: 1_700_000_000,
            nanos: 0,
        };
        assert_eq!(moment(&timestamp), "2023-11-14T22:13:20Z");
        assert_eq!(minute(&timestamp), "2023-11-14 22:13");
    }
}
