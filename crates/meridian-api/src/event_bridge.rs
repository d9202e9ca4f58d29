//! EventBridge events: the JSON in which AWS sends around what KMS does to a
//! key by itself.

use meridian_kms::RegionName;
use meridian_kms::service_event::{ServiceEvent, ServiceEventKind};
use meridian_proto::iso_8601;
use serde_json::{Value, json};

/// The event that AWS sends for what happened, if it sends one.
pub fn event(event: &ServiceEvent, region: &RegionName, id: &str) -> Option<Value> {
    let key_id = event.key.id.to_string();
    let (kind, detail) = match &event.kind {
        ServiceEventKind::Synchronized => return None,
        ServiceEventKind::Deleted => ("KMS CMK Deletion", json!({ "key-id": key_id })),
        ServiceEventKind::MaterialExpired { material } => (
            "KMS Imported Key Material Expiration",
            json!({ "key-id": key_id, "key-material-id": material.to_string() }),
        ),
        ServiceEventKind::Rotated {
            rotation,
            origin,
            previous,
            current,
        } => (
            "KMS CMK Rotation",
            json!({
                "key-id": key_id,
                "key-origin": origin.name(),
                "rotation-type": rotation.name(),
                "previous-key-material-id": previous.to_string(),
                "current-key-material-id": current.to_string(),
            }),
        ),
    };
    Some(json!({
        "version": "0",
        "id": id,
        "detail-type": kind,
        "source": "aws.kms",
        "account": event.key.account.to_string(),
        "time": iso_8601(event.at.0),
        "region": region.as_str(),
        "resources": [event.key.arn(region)],
        "detail": detail,
    }))
}
