//! ImportKeyMaterial: puts bytes into a key of origin EXTERNAL.
//!
//! The first material is current at once. New material for a key that has some
//! waits for its rotation; new material enters a set at the primary only, and
//! each replica then imports the same bytes as existing material. Which bytes
//! are the same is decided by the material ID, a digest: bytes never leave
//! their region (R6).

use meridian_crypto::{ImportToken, Material, MaterialId, Sealed};
use meridian_proto::v1::{ImportKeyMaterialRequest, ImportKeyMaterialResponse};
use serde::{Deserialize, Serialize};

use crate::admission::required;
use crate::arn::KeyRef;
use crate::context::Context;
use crate::error::{ErrorCode, KmsError};
use crate::key::{Key, Role};
use crate::material::Held;
use crate::ops::{Operation, Planned};
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
    let key = region.admit(cx, OPERATION, &request.key_id)?;
    check_replica(key, import_type, request.key_material_description.is_some())?;
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
        .and_then(|bytes| Material::from_bytes(bytes));
    let material = material.ok_or_else(|| {
        // Damaged, or not 32 bytes: recorded as one and the same answer.
        KmsError::bare(ErrorCode::InvalidCiphertextException)
    })?;
    let key_id = key.key.id.to_string();
    let id = cx.vault.material_id(&key_id, &material);
    let change = Change {
        key: key.key,
        material: id,
        sealed: cx.vault.seal(&key_id, &id, &material, cx.entropy),
        expires,
        import_type,
        expected,
        description: request.key_material_description.clone(),
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
        ImportType::New => key
            .shared
            .register(change.material, change.description.clone()),
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
    region.put(key);
    Ok(ImportKeyMaterialResponse {
        key_id: Some(change.key.arn(region.name())),
        key_material_id: Some(change.material.to_string()),
    })
}

/// What the import is, or why it cannot be: decided on the state of the
/// moment, in plan and again in apply.
fn effect(region: &Region, key: &Key, change: &Change) -> Result<ImportType, KmsError> {
    let is_replica = is_replica(key);
    let registered = key.shared.material(&change.material).is_some();
    let empty = key.shared.materials.is_empty();
    let import_type = change.import_type.unwrap_or(if empty && !is_replica {
        ImportType::New
    } else {
        ImportType::Existing
    });
    let id = change.material;
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
        ImportType::Existing => {
            if let Some(expected) = change.expected.filter(|expected| *expected != id) {
                return Err(KmsError::unexpected_material(expected));
            }
            if registered {
                return Ok(ImportType::Existing);
            }
            // Which of several materials was meant cannot be known: the
            // current one is named.
            match key.shared.current() {
                Some(current) => Err(KmsError::unexpected_material(current.id)),
                None => Err(KmsError::bare(ErrorCode::IncorrectKeyMaterialException)),
            }
        }
    }
}

fn is_replica(key: &Key) -> bool {
    matches!(key.role, Role::Replica { .. }) || key.shared.hand_over.is_some()
}

/// What only the primary may do.
fn check_replica(
    key: &Key,
    import_type: Option<ImportType>,
    described: bool,
) -> Result<(), KmsError> {
    if !is_replica(key) {
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
    if token.expires_at_ms <= cx.now.0 {
        return Err(KmsError::bare(ErrorCode::ExpiredImportTokenException));
    }
    Ok(token)
}

#[cfg(test)]
mod tests {
    use meridian_proto::v1::ImportKeyMaterialRequest;

    use crate::fixture::{DAY_MS, START, TestRegion, refusal};

    const NEW: &str = "NEW_KEY_MATERIAL";
    const EXISTING: &str = "EXISTING_KEY_MATERIAL";

    fn unexpected(id: &str) -> String {
        format!(
            "IncorrectKeyMaterialException: Imported key material does not have the expected \
             identifier ({id})."
        )
    }

    fn expiring(at: crate::Timestamp) -> impl Fn(&mut ImportKeyMaterialRequest) {
        move |request| {
            request.expiration_model = None;
            request.valid_to = Some(at.to_proto());
        }
    }

    #[test]
    fn the_first_material_is_current_at_once() {
        for import_type in [Some(NEW), None] {
            let mut us = TestRegion::new("us-east-1");
            let key = us.create_external(false);
            let imported = us.import_bytes(&key, &[1; 32], |request| {
                request.import_type = import_type.map(Into::into);
            });
            let imported = imported.unwrap();
            assert_eq!(imported.key_id, Some(us.arn(&key)));
            let described = us.describe(&key);
            assert_eq!(described.key_state.as_deref(), Some("Enabled"));
            assert_eq!(described.current_key_material_id, imported.key_material_id);
            let model = described.expiration_model.as_deref();
            assert_eq!(model, Some("KEY_MATERIAL_DOES_NOT_EXPIRE"));
            assert_eq!(us.material_states(&key), ["CURRENT/IMPORTED"]);
        }
    }

    #[test]
    fn existing_material_cannot_be_the_first() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create_external(false);
        assert_eq!(
            refusal(us.import(&key, 1, EXISTING)),
            "IncorrectKeyMaterialException"
        );
    }

    #[test]
    fn new_material_waits_for_its_rotation() {
        let mut us = TestRegion::new("us-east-1");
        let (key, first) = us.create_imported(false, 1);
        us.import(&key, 2, NEW).unwrap();
        assert_eq!(
            us.material_states(&key),
            ["CURRENT/IMPORTED", "PENDING_ROTATION/IMPORTED"]
        );
        assert_eq!(us.describe(&key).current_key_material_id, Some(first));
    }

    #[test]
    fn a_multi_region_key_without_replicas_waits_for_nobody() {
        let mut us = TestRegion::new("us-east-1");
        let (key, _) = us.create_imported(true, 1);
        us.import(&key, 2, NEW).unwrap();
        assert_eq!(us.material_states(&key)[1], "PENDING_ROTATION/IMPORTED");
    }

    #[test]
    fn material_has_one_id_in_a_key_and_another_in_another_key() {
        let mut us = TestRegion::new("us-east-1");
        let (one, id) = us.create_imported(false, 1);
        let (_, other_id) = us.create_imported(false, 1);
        assert_ne!(id, other_id);
        us.delete_material(&one, None).unwrap();
        assert_eq!(us.import(&one, 1, EXISTING), Ok(id));
    }

    #[test]
    fn existing_material_has_to_be_one_that_the_key_has() {
        let mut us = TestRegion::new("us-east-1");
        let (key, first) = us.create_imported(false, 1);
        let second = us.import(&key, 2, NEW).unwrap();
        assert_eq!(refusal(us.import(&key, 3, EXISTING)), unexpected(&first));
        assert_eq!(us.import(&key, 2, EXISTING), Ok(second.clone()));
        assert_eq!(
            us.import_as(&key, 1, |_| {}),
            Ok(first.clone()),
            "what type is left out means"
        );
        let named = |id: &str| {
            let id = id.to_owned();
            move |request: &mut ImportKeyMaterialRequest| request.key_material_id = Some(id)
        };
        assert_eq!(us.import_as(&key, 2, named(&second)), Ok(second.clone()));
        assert_eq!(
            refusal(us.import_as(&key, 1, named(&second))),
            unexpected(&second)
        );
    }

    #[test]
    fn a_type_and_an_id_that_contradict_each_other_are_refused_before_the_key_is_looked_for() {
        let mut us = TestRegion::new("us-east-1");
        let request = ImportKeyMaterialRequest {
            key_id: Some("nothing".into()),
            expiration_model: Some("KEY_MATERIAL_DOES_NOT_EXPIRE".into()),
            import_type: Some(NEW.into()),
            key_material_id: Some("00".repeat(32)),
            ..Default::default()
        };
        assert_eq!(
            refusal(us.call(request)),
            "ValidationException: Input parameter keyMaterialId cannot be used with \
             NEW_KEY_MATERIAL importType."
        );
    }

    #[test]
    fn expiration_model_and_date_have_to_fit() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create_external(false);
        let mut import = |valid_to: Option<i64>, model: Option<&str>| {
            refusal(us.import_as(&key, 1, |request| {
                request.valid_to = valid_to.map(|ms| START.plus_ms(ms).to_proto());
                request.expiration_model = model.map(Into::into);
            }))
        };
        let (expires, stays) = ("KEY_MATERIAL_EXPIRES", "KEY_MATERIAL_DOES_NOT_EXPIRE");
        let missing = "ValidationException: A validTo date must be set if the ExpirationModel is \
                       KEY_MATERIAL_EXPIRES";
        assert_eq!(import(None, None), missing);
        assert_eq!(import(None, Some(expires)), missing);
        assert_eq!(
            import(Some(DAY_MS), Some(stays)),
            "ValidationException: A validTo date cannot be set if the ExpirationModel is \
             KEY_MATERIAL_DOES_NOT_EXPIRE"
        );
        let past = "ValidationException: ValidTo must be in the future";
        assert_eq!(import(Some(-1), None), past);
        assert_eq!(import(Some(0), None), past);
        assert_eq!(import(Some(999), None), past, "it counts in whole seconds");
        assert_eq!(
            import(Some(365 * DAY_MS + 1000), None),
            "ValidationException: ValidTo must be less than 365 days in the future"
        );
        assert_eq!(import(Some(1000), None), "success");
        assert_eq!(import(Some(365 * DAY_MS), Some(expires)), "success");
    }

    #[test]
    fn material_that_expires_is_gone_at_its_second() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create_external(false);
        us.import_as(&key, 1, expiring(START.plus_ms(5_700)))
            .unwrap();
        let described = us.describe(&key);
        assert_eq!(described.valid_to, Some(START.plus_ms(5_000).to_proto()));
        assert_eq!(
            described.expiration_model.as_deref(),
            Some("KEY_MATERIAL_EXPIRES")
        );
        let blob = us.encrypt(&key, "x").unwrap();
        us.now = START.plus_ms(4_999);
        assert_eq!(us.decrypt(&blob).unwrap(), "x");
        us.now = START.plus_ms(5_000);
        let pending_import = format!(
            "KMSInvalidStateException: {} is pending import.",
            us.arn(&key)
        );
        assert_eq!(
            refusal(us.decrypt(&blob)),
            pending_import,
            "also before anybody has ticked"
        );
        us.tick();
        let described = us.describe(&key);
        assert_eq!(described.key_state.as_deref(), Some("PendingImport"));
        assert_eq!(
            (described.expiration_model, described.valid_to),
            (None, None)
        );
        let listed = us.materials(&key).remove(0);
        assert_eq!(
            listed.import_state.as_deref(),
            Some("IMPORTED"),
            "as recorded"
        );
        assert_eq!(listed.valid_to, Some(START.plus_ms(5_000).to_proto()));
        us.import(&key, 1, EXISTING).unwrap();
        assert_eq!(us.decrypt(&blob).unwrap(), "x");
        assert_eq!(
            us.describe(&key).valid_to,
            None,
            "a new import brings a new expiry"
        );
    }

    #[test]
    fn an_import_that_is_applied_after_its_date_is_refused() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create_external(false);
        let mut request = us.import_request(&key, &[1; 32]).unwrap();
        expiring(START.plus_ms(5_000))(&mut request);
        let request = crate::Request::ImportKeyMaterial(request);
        let Ok(crate::Plan::Commit(change)) = us.plan(&request, None) else {
            panic!("an import is committed");
        };
        us.now = START.plus_ms(6_000);
        let crate::Outcome::Answered(answer) = us.apply(change) else {
            panic!("and answered")
        };
        assert_eq!(
            refusal(answer),
            "ValidationException: ValidTo must be in the future"
        );
        assert_eq!(us.state(&key), "PendingImport");
    }

    #[test]
    fn the_earliest_expiry_of_permanent_material_shows() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create_external(false);
        us.import_as(&key, 1, expiring(START.plus_days(9))).unwrap();
        us.import_as(&key, 2, |request| {
            expiring(START.plus_days(3))(request);
            request.import_type = Some(NEW.into());
        })
        .unwrap();
        let shown = us.describe(&key).valid_to;
        assert_eq!(
            shown,
            Some(START.plus_days(9).to_proto()),
            "what waits does not count"
        );
        us.rotate(&key).unwrap();
        assert_eq!(
            us.describe(&key).valid_to,
            Some(START.plus_days(3).to_proto())
        );
    }

    #[test]
    fn a_token_works_many_times_for_a_day_and_only_for_its_key() {
        let mut us = TestRegion::new("us-east-1");
        let (key, other) = (us.create_external(false), us.create_external(false));
        let request = us.import_request(&key, &[1; 32]).unwrap();
        us.call(request.clone()).unwrap();
        us.call(request.clone()).unwrap();
        let elsewhere = ImportKeyMaterialRequest {
            key_id: Some(other),
            ..request.clone()
        };
        assert_eq!(refusal(us.call(elsewhere)), "InvalidImportTokenException");
        let damaged = ImportKeyMaterialRequest {
            import_token: Some("token".into()),
            ..request.clone()
        };
        assert_eq!(refusal(us.call(damaged)), "InvalidImportTokenException");
        us.now = START.plus_ms(DAY_MS - 1);
        us.call(request.clone()).unwrap();
        us.now = START.plus_ms(DAY_MS);
        assert_eq!(refusal(us.call(request)), "ExpiredImportTokenException");
    }

    #[test]
    fn a_token_of_another_region_is_refused() {
        let mut us = TestRegion::new("us-east-1");
        let mut eu = TestRegion::new("eu-west-1");
        let (key, _) = us.create_imported(false, 1);
        let foreign = eu.create_external(false);
        let token = eu.import_request(&foreign, &[1; 32]).unwrap().import_token;
        let answer = us.import_as(&key, 1, |request| request.import_token = token);
        assert_eq!(refusal(answer), "InvalidImportTokenException");
    }

    #[test]
    fn bytes_that_do_not_unwrap_or_are_not_32_are_refused() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create_external(false);
        for length in [0, 16, 31, 33] {
            let answer = us.import_bytes(&key, &vec![1; length], |_| {});
            assert_eq!(
                refusal(answer),
                "InvalidCiphertextException",
                "{length} bytes"
            );
        }
        let damaged = us.import_bytes(&key, &[1; 32], |request| {
            request.encrypted_key_material = Some(vec![7; 256].into());
        });
        assert_eq!(refusal(damaged), "InvalidCiphertextException");
    }

    #[test]
    fn the_description_stays_until_another_is_given() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create_external(false);
        let described = |text: &str| {
            let text = text.to_owned();
            move |request: &mut ImportKeyMaterialRequest| {
                request.key_material_description = Some(text);
            }
        };
        let shown = |us: &mut TestRegion| us.materials(&key)[0].key_material_description.clone();
        us.import_as(&key, 1, described("one")).unwrap();
        us.delete_material(&key, None).unwrap();
        us.import(&key, 1, EXISTING).unwrap();
        assert_eq!(shown(&mut us).as_deref(), Some("one"));
        us.import_as(&key, 1, described("two")).unwrap();
        assert_eq!(shown(&mut us).as_deref(), Some("two"));
    }

    #[test]
    fn importing_permanent_material_again_enables_a_disabled_key() {
        let mut us = TestRegion::new("us-east-1");
        let (key, _) = us.create_imported(false, 1);
        us.disable(&key).unwrap();
        us.import(&key, 2, NEW).unwrap();
        assert_eq!(us.state(&key), "Disabled", "what waits does not count");
        us.import(&key, 1, EXISTING).unwrap();
        assert_eq!(us.state(&key), "Enabled");
    }

    #[test]
    fn a_key_works_again_only_when_all_its_permanent_material_is_back() {
        let mut us = TestRegion::new("us-east-1");
        let (key, first) = us.create_imported(false, 1);
        let second = us.import(&key, 2, NEW).unwrap();
        us.rotate(&key).unwrap();
        us.delete_material(&key, Some(&first)).unwrap();
        us.delete_material(&key, Some(&second)).unwrap();
        us.import(&key, 2, EXISTING).unwrap();
        assert_eq!(us.state(&key), "PendingImport");
        us.import(&key, 1, EXISTING).unwrap();
        assert_eq!(us.state(&key), "Enabled");
        assert_eq!(
            us.material_states(&key),
            ["NON_CURRENT/IMPORTED", "CURRENT/IMPORTED"]
        );
    }

    #[test]
    fn generated_material_and_keys_on_their_way_out_take_no_import() {
        let mut us = TestRegion::new("us-east-1");
        let (imported, _) = us.create_imported(false, 1);
        let request = us.import_request(&imported, &[1; 32]).unwrap();
        let generated = us.create();
        let elsewhere = ImportKeyMaterialRequest {
            key_id: Some(generated.clone()),
            ..request.clone()
        };
        assert_eq!(
            refusal(us.call(elsewhere)),
            format!(
                "UnsupportedOperationException: {} origin is AWS_KMS which is not valid for this \
                 operation.",
                us.arn(&generated)
            )
        );
        us.schedule_deletion(&imported).unwrap();
        let pending = format!(
            "KMSInvalidStateException: {} is pending deletion.",
            us.arn(&imported)
        );
        assert_eq!(refusal(us.call(request)), pending);
    }
}
