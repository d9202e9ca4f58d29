//! ImportKeyMaterial: puts bytes into a key of origin EXTERNAL.
//!
//! The first material is current at once. New material for a key that has some
//! waits for its rotation; new material enters a set at the primary only, and
//! each replica then imports the same bytes as existing material. Which bytes
//! are the same is decided by the material ID, a digest: bytes never leave
//! their region (R6).

use meridian_crypto::{ImportToken, KeySpec, Material, MaterialId, Sealed};
use meridian_proto::v1::{ImportKeyMaterialRequest, ImportKeyMaterialResponse};
use serde::{Deserialize, Serialize};

use crate::admission::{Naming, required};
use crate::arn::KeyRef;
use crate::context::Context;
use crate::error::{ErrorCode, KmsError};
use crate::key::Key;
use crate::material::Held;
use crate::ops::get_parameters_for_import::TOKEN_LIFE_MS;
use crate::ops::{Operation, Planned};
use crate::planted::{Bug, is_planted};
use crate::public_key::PublicKey;
use crate::region::Region;
use crate::time::{DAY_MS, Timestamp};

const OPERATION: Operation = Operation::ImportKeyMaterial;

/// An expiry may be this far ahead.
const VALID_TO_DAYS_MAX: i64 = 365;

/// AWS's `ImportType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ImportType {
    /// Material that the key does not have yet.
    New,
    /// The bytes of a material that is registered.
    Existing,
}

/// Unwrapped, identified and sealed again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    key: KeyRef,
    material: MaterialId,
    sealed: Sealed,
    expires: Option<Timestamp>,
    import_type: Option<ImportType>,
    /// The material that the caller says it is.
    expected: Option<MaterialId>,
    description: Option<String>,
    /// The public half of an asymmetric key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    public_key: Option<PublicKey>,
}

/// Opens the token, unwraps the material and finds out which one it is.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &ImportKeyMaterialRequest,
) -> Result<Planned<Change, ImportKeyMaterialResponse>, KmsError> {
    let expires = expires(request, cx.now)?;
    let import_type = match request.import_type.as_deref() {
        Some("NEW_KEY_MATERIAL") => Some(ImportType::New),
        Some(_) => Some(ImportType::Existing),
        None => None,
    };
    if import_type == Some(ImportType::New) && request.key_material_id.is_some() {
        return Err(KmsError::validation(
            "Input parameter keyMaterialId cannot be used with NEW_KEY_MATERIAL importType.",
        ));
    }
    let key_id = required(&request.key_id)?;
    let key = region.find_allowed(cx, OPERATION.action(), key_id, Naming::KeyOnly)?;
    region.check_nature(OPERATION, key)?;
    check_members(key, request)?;
    check_replica(key, import_type, request.key_material_description.is_some())?;
    region.check_state(OPERATION, key)?;
    let expected = request
        .key_material_id
        .as_deref()
        .map(str::parse)
        .transpose();
    let expected = expected.map_err(|_| KmsError::validation("KeyMaterialId is malformed."))?;
    let token = open_token(region, cx, key, required(&request.import_token)?)?;
    let bytes = (cx.unwrap)(&token, required(&request.encrypted_key_material)?);
    let material = bytes
        .as_deref()
        .and_then(|bytes| Material::read(key.shared.spec, bytes));
    let material = material.ok_or_else(|| {
        // Damaged, or not 32 bytes: recorded as one and the same answer.
        // fidelity: assumed for private keys of another spec.
        KmsError::bare(ErrorCode::InvalidCiphertextException)
    })?;
    let id = match key.shared.materials.last() {
        Some(newest)
            if import_type == Some(ImportType::Existing) && is_planted(Bug::BytesNotCompared) =>
        {
            newest.id
        }
        Some(_) | None => cx.vault.material_id(&key.key.id, &material),
    };
    let change = Change {
        key: key.key,
        material: id,
        sealed: cx.vault.seal(&key.key.id, &id, &material, cx.entropy),
        expires,
        import_type,
        expected,
        description: request.key_material_description.clone(),
        public_key: material.public_key_der().map(PublicKey::from_der),
    };
    effect(region, key, &change)?;
    Ok(Planned::Commit(change))
}

/// Stores the bytes, and registers the material if it is new.
pub fn apply(region: &mut Region, change: &Change) -> Result<ImportKeyMaterialResponse, KmsError> {
    let mut key = region.readmit(OPERATION, &change.key)?;
    check_replica(&key, change.import_type, change.description.is_some())?;
    if let Some(valid_to) = change.expires {
        check_future(valid_to, region.now())?;
    }
    match effect(region, &key, change)? {
        ImportType::New => key.shared.register(
            change.material,
            change.description.clone(),
            change.public_key.clone(),
        ),
        ImportType::Existing => describe(&mut key, change),
    }
    let held = Held {
        sealed: Some(change.sealed.clone()),
        expires: change.expires,
    };
    key.held.insert(change.material, held);
    let permanent = key
        .shared
        .permanent()
        .any(|material| material.id == change.material);
    let complete = key
        .shared
        .permanent()
        .all(|material| key.sealed(&material.id).is_some());
    if permanent && complete {
        key.enabled = true;
    }
    let shows_id = key.shared.spec == KeySpec::SymmetricDefault;
    region.put(key);
    Ok(ImportKeyMaterialResponse {
        key_id: Some(change.key.arn(region.name())),
        key_material_id: shows_id.then(|| change.material.to_string()),
    })
}

/// What the import is, or why it cannot be: decided on the state of the
/// moment, in plan and again in apply.
fn effect(region: &Region, key: &Key, change: &Change) -> Result<ImportType, KmsError> {
    let is_replica = key.acts_as_replica();
    let registered = key.shared.material(&change.material).is_some();
    let empty = key.shared.materials.is_empty();
    let import_type = change.import_type.unwrap_or(if empty && !is_replica {
        ImportType::New
    } else {
        ImportType::Existing
    });
    let id = change.material;
    if let Some(expected) = change.expected.filter(|expected| *expected != id) {
        return Err(KmsError::unexpected_material(expected));
    }
    match import_type {
        ImportType::New if registered => {
            let arn = key.key.arn(region.name());
            Err(KmsError::new(
                ErrorCode::IncorrectKeyMaterialException,
                format!(
                    "Key material (id: {id}) being imported as NEW_KEY_MATERIAL is already \
                     associated with KMS key {arn}."
                ),
            ))
        }
        ImportType::New => match key.shared.pending() {
            Some(pending) => {
                let (arn, pending) = (key.key.arn(region.name()), pending.id);
                Err(KmsError::invalid_state(format!(
                    "New key material (id: {id}) cannot be imported into KMS key {arn}, because \
                     another key material (id: {pending}) is pending rotation."
                )))
            }
            None => Ok(ImportType::New),
        },
        ImportType::Existing if registered => Ok(ImportType::Existing),
        // Which of several materials was meant cannot be known: the current
        // one is named.
        ImportType::Existing => match key.shared.current() {
            Some(current) if key.shared.spec == KeySpec::SymmetricDefault => {
                Err(KmsError::unexpected_material(current.id))
            }
            // fidelity: assumed for the other specs, whose materials have no ID.
            Some(_) | None => Err(KmsError::bare(ErrorCode::IncorrectKeyMaterialException)),
        },
    }
}

/// What only the primary may do.
fn check_replica(
    key: &Key,
    import_type: Option<ImportType>,
    described: bool,
) -> Result<(), KmsError> {
    if !key.acts_as_replica() || is_planted(Bug::ReplicaOriginates) {
        return Ok(());
    }
    if import_type == Some(ImportType::New) {
        return Err(KmsError::validation(
            "Input parameter ImportType NEW_KEY_MATERIAL cannot be used on replica Multi-Region \
             keys",
        ));
    }
    if described {
        return Err(KmsError::validation(
            "Key material description can only be specified on primary Multi-Region keys",
        ));
    }
    Ok(())
}

/// Keys that are not symmetric have one material for life, and no name for it.
fn check_members(key: &Key, request: &ImportKeyMaterialRequest) -> Result<(), KmsError> {
    let given = [
        ("importType", request.import_type.is_some()),
        ("keyMaterialId", request.key_material_id.is_some()),
        (
            "keyMaterialDescription",
            request.key_material_description.is_some(),
        ),
    ];
    let spec = key.shared.spec;
    match given.into_iter().find(|(_, is_given)| *is_given) {
        Some((name, _)) if spec != KeySpec::SymmetricDefault => Err(symmetric_only(name, spec)),
        Some(_) | None => Ok(()),
    }
}

/// A member that only imports of symmetric keys have.
pub(crate) fn symmetric_only(name: &str, spec: KeySpec) -> KmsError {
    let spec = spec.name();
    KmsError::validation(format!(
        "Input parameter {name} cannot be used with {spec} imported keys."
    ))
}

fn describe(key: &mut Key, change: &Change) {
    let Some(description) = &change.description else {
        return;
    };
    for material in &mut key.shared.materials {
        if material.id == change.material {
            material.description = Some(description.clone());
        }
    }
}

/// The rules between ExpirationModel and ValidTo.
fn expires(
    request: &ImportKeyMaterialRequest,
    now: Timestamp,
) -> Result<Option<Timestamp>, KmsError> {
    let valid_to = request.valid_to.as_ref().map(Timestamp::from_proto);
    let valid_to = valid_to.map(Timestamp::whole_seconds);
    if request.expiration_model.as_deref() == Some("KEY_MATERIAL_DOES_NOT_EXPIRE") {
        return match valid_to {
            None => Ok(None),
            Some(_) => Err(KmsError::validation(
                "A validTo date cannot be set if the ExpirationModel is \
                 KEY_MATERIAL_DOES_NOT_EXPIRE",
            )),
        };
    }
    let Some(valid_to) = valid_to else {
        return Err(KmsError::validation(
            "A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES",
        ));
    };
    check_future(valid_to, now)?;
    if valid_to.0 - now.0 > VALID_TO_DAYS_MAX * DAY_MS {
        return Err(KmsError::validation(
            "ValidTo must be less than 365 days in the future",
        ));
    }
    Ok(Some(valid_to))
}

fn check_future(valid_to: Timestamp, now: Timestamp) -> Result<(), KmsError> {
    if valid_to <= now {
        return Err(KmsError::validation("ValidTo must be in the future"));
    }
    Ok(())
}

fn open_token(
    region: &Region,
    cx: &Context<'_>,
    key: &Key,
    bytes: &[u8],
) -> Result<ImportToken, KmsError> {
    let invalid = || KmsError::bare(ErrorCode::InvalidImportTokenException);
    let token = cx.vault.open_token(bytes).map_err(|_| invalid())?;
    if token.key_arn != key.key.arn(region.name()) {
        return Err(invalid());
    }
    let given_at_ms = token.expires_at_ms - TOKEN_LIFE_MS;
    let age_ms = cx.now.0.saturating_sub(given_at_ms);
    let is_too_old = cx
        .tokens_expire_after_ms
        .is_some_and(|ms| age_ms >= i64::try_from(ms).unwrap_or(i64::MAX));
    if is_too_old || token.expires_at_ms <= cx.now.0 {
        return Err(KmsError::bare(ErrorCode::ExpiredImportTokenException));
    }
    Ok(token)
}

#[cfg(test)]
mod other_specs;
#[cfg(test)]
mod tests;
