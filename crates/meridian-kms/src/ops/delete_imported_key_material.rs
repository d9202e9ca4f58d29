//! DeleteImportedKeyMaterial: destroys the bytes of one material in this
//! region. Without an ID it is the current material.
//!
//! A permanent material stays registered, and the key here waits for its
//! import. A pending material that is deleted at the primary leaves the whole
//! set, and a rotation under way to it ends with nothing done; deleted at a
//! replica, only the replica's copy goes.

use meridian_crypto::MaterialId;
use meridian_proto::v1::{DeleteImportedKeyMaterialRequest, DeleteImportedKeyMaterialResponse};
use serde::{Deserialize, Serialize};

use crate::arn::KeyRef;
use crate::context::Context;
use crate::error::KmsError;
use crate::key::Key;
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
        key_material_id: deleted.map(|id| id.to_string()),
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
