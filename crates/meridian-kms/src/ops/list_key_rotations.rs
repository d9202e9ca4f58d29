//! ListKeyRotations: completed rotations, or with ALL_KEY_MATERIAL every
//! material of the key, oldest first and the pending one last.
//!
//! States and descriptions are the set's; import state and expiry are this
//! region's own. Expired material still reads as imported, as recorded on the
//! live service; deleted material does not.

use meridian_crypto::KeySpec;
use meridian_proto::v1::{ListKeyRotationsRequest, ListKeyRotationsResponse, RotationsListEntry};

use crate::context::Context;
use crate::error::{ErrorCode, KmsError};
use crate::key::Key;
use crate::key_set::Origin;
use crate::material::RegisteredMaterial;
use crate::metadata::expiration_model;
use crate::ops::Operation;
use crate::page;
use crate::region::Region;

/// Lists one page.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &ListKeyRotationsRequest,
) -> Result<ListKeyRotationsResponse, KmsError> {
    let key = region.admit(cx, Operation::ListKeyRotations, &request.key_id)?;
    if request.include_key_material.is_some() && key.shared.spec != KeySpec::SymmetricDefault {
        return Err(KmsError::validation(
            "Input parameter includeKeyMaterial can only be used with symmetric keys.",
        ));
    }
    // fidelity: assumed, AWS's answer for other keys without `IncludeKeyMaterial` is not
    // recorded; they have no rotations.
    let limit = page::limit(request.limit, 100, 1000)?;
    let after: Option<meridian_crypto::MaterialId> = page::position(&request.marker)?;
    let all = request.include_key_material.as_deref() == Some("ALL_KEY_MATERIAL");
    let listed: Vec<&RegisteredMaterial> = key
        .shared
        .materials
        .iter()
        .filter(|material| {
            if all {
                is_visible(key, material)
            } else {
                material.rotation.is_some()
            }
        })
        .collect();
    let start = match after {
        None => 0,
        Some(after) => match listed.iter().position(|material| material.id == after) {
            Some(at) => at + 1,
            None => return Err(KmsError::bare(ErrorCode::InvalidMarkerException)),
        },
    };
    let rest = listed.into_iter().skip(start);
    let page = page::take(rest, limit, |material| material.id.to_string());
    Ok(ListKeyRotationsResponse {
        rotations: page
            .items
            .iter()
            .map(|material| entry(region, key, material))
            .collect(),
        truncated: Some(page.next_marker.is_some()),
        next_marker: page.next_marker,
    })
}

/// Generated material shows only once it is current.
fn is_visible(key: &Key, material: &RegisteredMaterial) -> bool {
    key.shared.origin == Origin::External || material.state.is_permanent()
}

fn entry(region: &Region, key: &Key, material: &RegisteredMaterial) -> RotationsListEntry {
    let imported = key.shared.origin == Origin::External;
    let held = key.held.get(&material.id).filter(|_| imported);
    let import_state = if held.is_some() {
        "IMPORTED"
    } else {
        "PENDING_IMPORT"
    };
    let expires = held.and_then(|held| held.expires);
    RotationsListEntry {
        key_id: Some(key.key.arn(region.name())),
        key_material_id: Some(material.id.to_string()),
        key_material_description: material.description.clone(),
        import_state: imported.then(|| import_state.into()),
        key_material_state: Some(material.state.name().into()),
        expiration_model: held.map(|_| expiration_model(expires.is_some()).into()),
        valid_to: expires.map(|at| at.to_proto()),
        rotation_date: material.rotation.map(|rotation| rotation.date.to_proto()),
        rotation_type: material
            .rotation
            .map(|rotation| rotation.kind.name().into()),
    }
}

#[cfg(test)]
mod tests {
    use meridian_proto::v1::{ListKeyRotationsRequest, RotationsListEntry};

    use crate::fixture::{TestRegion, refusal};

    #[test]
    fn a_new_key_has_rotated_never_and_has_one_material() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create();
        assert_eq!(us.rotations(&key), []);
        let expected = RotationsListEntry {
            key_id: Some(us.arn(&key)),
            key_material_id: us.describe(&key).current_key_material_id,
            key_material_state: Some("CURRENT".into()),
            ..Default::default()
        };
        assert_eq!(
            us.materials(&key),
            [expected],
            "generated material has no import state"
        );
        let empty = us.create_external(false);
        assert_eq!(us.materials(&empty), []);
    }

    #[test]
    fn imported_material_shows_what_is_known_of_it() {
        let mut us = TestRegion::new("us-east-1");
        let (key, first) = us.create_imported(false, 1);
        let valid_to = Some(us.now.plus_days(3).to_proto());
        let second = us
            .import_as(&key, 2, |request| {
                request.import_type = Some("NEW_KEY_MATERIAL".into());
                request.expiration_model = Some("KEY_MATERIAL_EXPIRES".into());
                request.valid_to = valid_to;
                request.key_material_description = Some("2026-Q1".into());
            })
            .unwrap();
        let entry = |id: &str, state: &str, model: &str| RotationsListEntry {
            key_id: Some(us.arn(&key)),
            key_material_id: Some(id.into()),
            key_material_state: Some(state.into()),
            import_state: Some("IMPORTED".into()),
            expiration_model: Some(model.into()),
            ..Default::default()
        };
        let expected = [
            entry(&first, "CURRENT", "KEY_MATERIAL_DOES_NOT_EXPIRE"),
            RotationsListEntry {
                key_material_description: Some("2026-Q1".into()),
                valid_to,
                ..entry(&second, "PENDING_ROTATION", "KEY_MATERIAL_EXPIRES")
            },
        ];
        assert_eq!(us.materials(&key), expected);
    }

    #[test]
    fn the_list_is_walked_page_by_page_from_the_oldest() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create();
        (0..4).for_each(|_| drop(us.rotate(&key).unwrap()));
        let all: Vec<_> = us
            .materials(&key)
            .into_iter()
            .map(|it| it.key_material_id)
            .collect();
        assert_eq!(all.len(), 5);
        let mut request = ListKeyRotationsRequest {
            key_id: Some(key),
            include_key_material: Some("ALL_KEY_MATERIAL".into()),
            limit: Some(2),
            marker: None,
        };
        let mut seen = Vec::new();
        loop {
            let page = us.call(request.clone()).unwrap();
            assert_eq!(page.truncated, Some(page.next_marker.is_some()));
            seen.extend(page.rotations.into_iter().map(|it| it.key_material_id));
            request.marker = page.next_marker;
            if request.marker.is_none() {
                break;
            }
        }
        assert_eq!(seen, all);
        request.marker = Some("zzz".into());
        assert_eq!(refusal(us.call(request)), "InvalidMarkerException");
    }
}
