//! Which material may enter where, under which token, and what it is called.

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
fn the_first_material_too_has_to_be_the_one_that_is_named() {
    let mut us = TestRegion::new("us-east-1");
    let key = us.create_external(false);
    let other = "aa".repeat(32);
    let named = |request: &mut ImportKeyMaterialRequest| {
        request.key_material_id = Some("aa".repeat(32));
    };
    assert_eq!(refusal(us.import_as(&key, 1, named)), unexpected(&other));
    assert_eq!(
        us.describe(&key).key_state.as_deref(),
        Some("PendingImport")
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

#[test]
fn a_fault_has_tokens_expire_before_their_day_is_over() {
    let mut us = TestRegion::new("us-east-1");
    let key = us.create_external(false);
    us.tokens_expire_after_ms = Some(60_000);
    us.import(&key, 1, "NEW_KEY_MATERIAL").unwrap();
    us.now = us.now.plus_ms(60_000);
    let late = us.import(&key, 1, "EXISTING_KEY_MATERIAL");
    assert_eq!(refusal(late), "ExpiredImportTokenException");
    us.tokens_expire_after_ms = None;
    us.import(&key, 1, "EXISTING_KEY_MATERIAL").unwrap();
}
