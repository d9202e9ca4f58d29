//! DeleteImportedKeyMaterial: destroys the bytes of one material in this
//! region. Without an ID it is the current material.
//!
//! A permanent material stays registered, and the key here waits for its
//! import. A pending material that is deleted at the primary leaves the whole
//! set, and a rotation under way to it ends with nothing done; deleted at a
//! replica, only the replica's copy goes.

use meridian_crypto::{KeySpec, MaterialId};
use meridian_proto::v1::{DeleteImportedKeyMaterialRequest, DeleteImportedKeyMaterialResponse};
use serde::{Deserialize, Serialize};

use crate::arn::KeyRef;
use crate::context::Context;
use crate::error::KmsError;
use crate::key::Key;
use crate::ops::import_key_material::symmetric_only;
use crate::ops::{Operation, Planned};
use crate::region::Region;

const OPERATION: Operation = Operation::DeleteImportedKeyMaterial;

/// The material that goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    key: KeyRef,
    material: Option<MaterialId>,
}

/// Finds key and material.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &DeleteImportedKeyMaterialRequest,
) -> Result<Planned<Change, DeleteImportedKeyMaterialResponse>, KmsError> {
    let key = region.admit(cx, OPERATION, &request.key_id)?;
    if request.key_material_id.is_some() && key.shared.spec != KeySpec::SymmetricDefault {
        // fidelity: assumed, with the text of ImportKeyMaterial.
        return Err(symmetric_only("keyMaterialId", key.shared.spec));
    }
    let material = request
        .key_material_id
        .as_deref()
        .map(str::parse)
        .transpose();
    let material = material.map_err(|_| KmsError::validation("KeyMaterialId is malformed."))?;
    let change = Change {
        key: key.key,
        material,
    };
    find(region, key, &change)?;
    Ok(Planned::Commit(change))
}

/// Destroys the bytes.
pub fn apply(
    region: &mut Region,
    change: &Change,
) -> Result<DeleteImportedKeyMaterialResponse, KmsError> {
    let mut key = region.readmit(OPERATION, &change.key)?;
    let found = find(region, &key, change)?;
    let shows_id = key.shared.spec == KeySpec::SymmetricDefault;
    let mut deleted = None;
    if let Some(id) = found {
        let bytes_were_here = key.held.remove(&id).is_some();
        let pending = key.shared.pending().is_some_and(|pending| pending.id == id);
        if pending && key.is_primary() {
            key.shared.abandon_pending();
            deleted = Some(id);
        } else if bytes_were_here {
            deleted = Some(id);
        }
        region.put(key);
    }
    Ok(DeleteImportedKeyMaterialResponse {
        key_id: Some(change.key.arn(region.name())),
        key_material_id: deleted.filter(|_| shows_id).map(|id| id.to_string()),
    })
}

/// The material that is meant; none when nothing was ever imported.
fn find(region: &Region, key: &Key, change: &Change) -> Result<Option<MaterialId>, KmsError> {
    let Some(id) = change.material else {
        return Ok(key.shared.current().map(|current| current.id));
    };
    if key.shared.material(&id).is_some() {
        return Ok(Some(id));
    }
    let arn = key.key.arn(region.name());
    Err(KmsError::validation(format!(
        "Key material (id: {id}) has never been imported into KMS key {arn}."
    )))
}

#[cfg(test)]
mod tests {
    use meridian_proto::v1::DeleteImportedKeyMaterialResponse;

    use crate::fixture::{TestRegion, refusal};

    fn answer(us: &TestRegion, key: &str, id: Option<&str>) -> DeleteImportedKeyMaterialResponse {
        DeleteImportedKeyMaterialResponse {
            key_id: Some(us.arn(key)),
            key_material_id: id.map(Into::into),
        }
    }

    #[test]
    fn without_an_id_the_current_material_goes_and_stays_known() {
        let mut us = TestRegion::new("us-east-1");
        let (key, first) = us.create_imported(false, 1);
        us.import(&key, 2, "NEW_KEY_MATERIAL").unwrap();
        assert_eq!(
            us.delete_material(&key, None).unwrap(),
            answer(&us, &key, Some(&first))
        );
        let described = us.describe(&key);
        assert_eq!(described.key_state.as_deref(), Some("PendingImport"));
        assert_eq!(described.current_key_material_id, Some(first));
        assert_eq!(described.expiration_model, None);
        let states = us.material_states(&key);
        assert_eq!(
            states,
            ["CURRENT/PENDING_IMPORT", "PENDING_ROTATION/IMPORTED"]
        );
        assert_eq!(us.materials(&key)[0].expiration_model, None);
    }

    #[test]
    fn where_nothing_is_nothing_is_deleted() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create_external(false);
        assert_eq!(
            us.delete_material(&key, None).unwrap(),
            answer(&us, &key, None)
        );
        let first = us.import(&key, 1, "NEW_KEY_MATERIAL").unwrap();
        us.delete_material(&key, None).unwrap();
        let before = us.region.encode();
        let again = us.delete_material(&key, Some(&first)).unwrap();
        assert_eq!(again, answer(&us, &key, None));
        assert!(us.region.encode() == before);
    }

    #[test]
    fn a_material_that_the_key_never_had_is_named() {
        let mut us = TestRegion::new("us-east-1");
        let (key, _) = us.create_imported(false, 1);
        let id = "0".repeat(64);
        assert_eq!(
            refusal(us.delete_material(&key, Some(&id))),
            format!(
                "ValidationException: Key material (id: {id}) has never been imported into KMS \
                 key {}.",
                us.arn(&key)
            )
        );
    }

    #[test]
    fn waiting_material_leaves_the_key_and_may_come_back_as_new() {
        let mut us = TestRegion::new("us-east-1");
        let (key, _) = us.create_imported(false, 1);
        let second = us.import(&key, 2, "NEW_KEY_MATERIAL").unwrap();
        let deleted = us.delete_material(&key, Some(&second)).unwrap();
        assert_eq!(deleted, answer(&us, &key, Some(&second)));
        assert_eq!(us.state(&key), "Enabled");
        assert_eq!(us.material_states(&key), ["CURRENT/IMPORTED"]);
        assert!(refusal(us.import(&key, 2, "EXISTING_KEY_MATERIAL")).starts_with("IncorrectKey"));
        assert_eq!(us.import(&key, 2, "NEW_KEY_MATERIAL"), Ok(second));
    }

    #[test]
    fn waiting_material_that_has_expired_can_be_abandoned() {
        let mut us = TestRegion::new("us-east-1");
        let (key, _) = us.create_imported(false, 1);
        let valid_to = us.now.plus_days(1);
        let second = us
            .import_as(&key, 2, |request| {
                request.import_type = Some("NEW_KEY_MATERIAL".into());
                request.expiration_model = Some("KEY_MATERIAL_EXPIRES".into());
                request.valid_to = Some(valid_to.to_proto());
            })
            .unwrap();
        us.pass_days(1);
        assert_eq!(us.state(&key), "Enabled");
        us.delete_material(&key, Some(&second)).unwrap();
        us.import(&key, 3, "NEW_KEY_MATERIAL").unwrap();
    }

    #[test]
    fn a_disabled_key_that_loses_material_waits_for_its_import() {
        let mut us = TestRegion::new("us-east-1");
        let (key, _) = us.create_imported(false, 1);
        us.disable(&key).unwrap();
        us.delete_material(&key, None).unwrap();
        assert_eq!(us.state(&key), "PendingImport");
    }
}
