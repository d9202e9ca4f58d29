//! CreateKey through the API of a region.

use meridian_crypto::Material;
use meridian_proto::v1::{
    CreateKeyRequest, GenerateDataKeyPairRequest, GetKeyRotationStatusRequest, KeyMetadata, Tag,
};

use crate::context::Chosen;
use crate::fixture::{START, TestRegion, refusal};

fn create(request: CreateKeyRequest) -> KeyMetadata {
    let answer = TestRegion::new("us-east-1").call(request).unwrap();
    *answer.key_metadata.unwrap()
}

fn refused(request: CreateKeyRequest) -> String {
    refusal(TestRegion::new("us-east-1").call(request))
}

#[test]
fn a_key_without_any_parameter_is_symmetric_enabled_and_regional() {
    let key = create(CreateKeyRequest::default());
    let id = key.key_id.clone().unwrap();
    assert_eq!((id.len(), &id[14..15]), (36, "4"), "a UUID of version 4");
    let expected = KeyMetadata {
        aws_account_id: Some("111122223333".into()),
        arn: Some(format!("arn:aws:kms:us-east-1:111122223333:key/{id}")),
        key_id: Some(id),
        creation_date: Some(START.to_proto()),
        enabled: Some(true),
        description: Some(String::new()),
        key_usage: Some("ENCRYPT_DECRYPT".into()),
        key_state: Some("Enabled".into()),
        origin: Some("AWS_KMS".into()),
        key_manager: Some("CUSTOMER".into()),
        customer_master_key_spec: Some("SYMMETRIC_DEFAULT".into()),
        key_spec: Some("SYMMETRIC_DEFAULT".into()),
        encryption_algorithms: vec!["SYMMETRIC_DEFAULT".into()],
        multi_region: Some(false),
        current_key_material_id: key.current_key_material_id.clone(),
        ..Default::default()
    };
    assert_eq!(key, expected);
    assert_eq!(key.current_key_material_id.unwrap().len(), 64);
}

#[test]
fn a_key_for_imported_material_waits_for_its_import() {
    let request = CreateKeyRequest {
        origin: Some("EXTERNAL".into()),
        ..Default::default()
    };
    let key = create(request);
    assert_eq!(key.key_state.as_deref(), Some("PendingImport"));
    assert_eq!(key.enabled, Some(false));
    assert_eq!(key.origin.as_deref(), Some("EXTERNAL"));
    assert_eq!(key.current_key_material_id, None);
    assert_eq!(key.expiration_model, None);
    assert_eq!(key.valid_to, None);
}

#[test]
fn a_multi_region_key_is_the_primary_of_a_set_without_replicas() {
    let request = CreateKeyRequest {
        multi_region: Some(true),
        ..Default::default()
    };
    let key = create(request);
    let id = key.key_id.unwrap();
    assert_eq!((&id[..4], id.len()), ("mrk-", 36));
    let configuration = key.multi_region_configuration.unwrap();
    assert_eq!(
        configuration.multi_region_key_type.as_deref(),
        Some("PRIMARY")
    );
    assert_eq!(configuration.primary_key.unwrap().arn, key.arn);
    assert_eq!(configuration.replica_keys, []);
}

#[test]
fn the_description_is_kept() {
    let request = CreateKeyRequest {
        description: Some("mine".into()),
        ..Default::default()
    };
    assert_eq!(create(request).description.as_deref(), Some("mine"));
}

#[test]
fn spec_and_usage_have_to_fit() {
    let of = |spec: &str, usage: Option<&str>| CreateKeyRequest {
        key_spec: Some(spec.into()),
        key_usage: usage.map(Into::into),
        ..Default::default()
    };
    assert_eq!(
        refused(of("RSA_2048", None)),
        "ValidationException: You must specify a KeyUsage value for all KMS keys except for \
             symmetric encryption keys."
    );
    assert_eq!(
        refused(of("RSA_2048", Some("KEY_AGREEMENT"))),
        "ValidationException: KeyUsage KEY_AGREEMENT is not compatible with KeySpec RSA_2048"
    );
    assert_eq!(
        refused(of("SYMMETRIC_DEFAULT", Some("SIGN_VERIFY"))),
        "ValidationException: KeyUsage SIGN_VERIFY is not compatible with KeySpec \
             SYMMETRIC_DEFAULT"
    );
    assert_eq!(
        refused(of("SM2", Some("SIGN_VERIFY"))),
        "UnsupportedOperationException: KeySpec SM2 is not supported in this Region."
    );
    for spec in ["ML_DSA_44", "ML_KEM_512"] {
        let usage = ["SIGN_VERIFY", "ENCAPSULATE_DECAPSULATE"][usize::from(spec == "ML_KEM_512")];
        let imported = CreateKeyRequest {
            origin: Some("EXTERNAL".into()),
            ..of(spec, Some(usage))
        };
        assert_eq!(
            refused(imported),
            format!(
                "UnsupportedOperationException: KeySpec {spec} is not supported for Origin \
                     EXTERNAL."
            )
        );
    }
    let both = CreateKeyRequest {
        customer_master_key_spec: Some("SYMMETRIC_DEFAULT".into()),
        ..of("SYMMETRIC_DEFAULT", None)
    };
    assert!(refused(both).starts_with("ValidationException"));
    let older = CreateKeyRequest {
        customer_master_key_spec: Some("SYMMETRIC_DEFAULT".into()),
        ..Default::default()
    };
    assert_eq!(create(older).key_spec.as_deref(), Some("SYMMETRIC_DEFAULT"));
}

fn in_store(store: &str, origin: &str) -> CreateKeyRequest {
    CreateKeyRequest {
        origin: Some(origin.into()),
        custom_key_store_id: Some(store.into()),
        ..Default::default()
    }
}

#[test]
fn a_key_in_a_cluster_is_used_like_any_other_and_names_no_material() {
    let mut us = TestRegion::new("us-east-1");
    let store = us.create_connected_key_store();
    let answer = us.call(in_store(&store, "AWS_CLOUDHSM")).unwrap();
    let shown = answer.key_metadata.unwrap();
    assert_eq!(shown.origin.as_deref(), Some("AWS_CLOUDHSM"));
    assert_eq!(shown.key_state.as_deref(), Some("Enabled"));
    assert_eq!(shown.custom_key_store_id, Some(store));
    let cluster = shown.cloud_hsm_cluster_id.as_deref();
    assert_eq!(cluster, Some("cluster-aaaaaaaaaaa"));
    assert_eq!(shown.current_key_material_id, None);
    let key = shown.key_id.unwrap();
    let blob = us.encrypt(&key, "hello").unwrap();
    assert_eq!(us.decrypt_any(&blob).unwrap(), ("hello".into(), None));
}

#[test]
fn a_key_in_a_cluster_neither_rotates_nor_imports_nor_replicates() {
    let mut us = TestRegion::new("us-east-1");
    let store = us.create_connected_key_store();
    let key = us.create_in(&store);
    let refused = format!(
        "UnsupportedOperationException: {} origin is AWS_CLOUDHSM which is not valid for this \
             operation.",
        us.arn(&key)
    );
    us.disconnect(&store).unwrap();
    for _ in 0..2 {
        assert_eq!(refusal(us.rotate(&key)), refused);
        assert_eq!(refusal(us.enable_rotation(&key, None)), refused);
        assert_eq!(refusal(us.rotation_status(&key)), refused);
        assert_eq!(refusal(us.import_request(&key, b"x").map(|_| ())), refused);
        let pair = GenerateDataKeyPairRequest {
            key_id: Some(key.clone()),
            key_pair_spec: Some("ECC_NIST_P256".into()),
            ..Default::default()
        };
        assert_eq!(refusal(us.call(pair)), refused);
        us.pass(1000);
        us.connect(&store).unwrap();
        us.pass(1000);
    }
}

#[test]
fn a_key_store_has_to_be_there_and_connected_and_of_the_origin() {
    let mut us = TestRegion::new("us-east-1");
    let store = us.create_key_store();
    let mut code = |request| us.call(request).map_err(|error| error.code.name()).err();
    let refused = |code| Some(code);
    let of = |origin| in_store(&store, origin);
    assert_eq!(
        code(of("AWS_CLOUDHSM")),
        refused("CustomKeyStoreInvalidStateException")
    );
    assert_eq!(
        code(in_store("cks-1", "AWS_CLOUDHSM")),
        refused("CustomKeyStoreNotFoundException")
    );
    assert_eq!(code(of("AWS_KMS")), refused("ValidationException"));
    assert_eq!(
        code(CreateKeyRequest {
            custom_key_store_id: None,
            ..of("AWS_CLOUDHSM")
        }),
        refused("ValidationException")
    );
    assert_eq!(
        code(CreateKeyRequest {
            xks_key_id: Some("x".into()),
            ..of("AWS_CLOUDHSM")
        }),
        refused("ValidationException")
    );
    assert_eq!(
        code(CreateKeyRequest {
            multi_region: Some(true),
            ..of("AWS_CLOUDHSM")
        }),
        refused("UnsupportedOperationException")
    );
    assert_eq!(
        code(CreateKeyRequest {
            xks_key_id: Some("x".into()),
            ..of("EXTERNAL_KEY_STORE")
        }),
        refused("UnsupportedOperationException"),
        "the key store is a cluster"
    );
}

#[test]
fn bad_tags_and_policies_are_refused() {
    let tag = Tag {
        tag_key: Some("aws:x".into()),
        tag_value: Some("y".into()),
    };
    let tagged = CreateKeyRequest {
        tags: vec![tag],
        ..Default::default()
    };
    assert_eq!(
        refused(tagged),
        "TagException: Tags beginning with aws: are reserved"
    );
    let policy = CreateKeyRequest {
        policy: Some("no JSON".into()),
        ..Default::default()
    };
    assert!(refused(policy).starts_with("MalformedPolicyDocumentException"));
}

#[test]
fn an_operator_chooses_the_id_and_the_material() {
    let id = "1234abcd-12ab-34cd-56ef-1234567890ab";
    let chosen = || {
        let material = Material::from_bytes(&[7; 32]);
        Some(Chosen {
            id: id.parse().unwrap(),
            material,
        })
    };
    let mut us = TestRegion::new("us-east-1");
    us.chosen = chosen();
    assert_eq!(us.create(), id);
    let key = us.region.keys().values().next().unwrap();
    let material = Material::from_bytes(&[7; 32]).unwrap();
    let expected = us.vault.material_id(&id.parse().unwrap(), &material);
    assert!(key.held.contains_key(&expected));
    us.chosen = chosen();
    assert_eq!(
        refusal(us.call(CreateKeyRequest::default())),
        format!(
            "AlreadyExistsException: arn:aws:kms:us-east-1:111122223333:key/{id} already \
                 exists."
        )
    );
    assert_ne!(us.create(), id);
}

#[test]
fn a_new_key_does_not_rotate_by_itself() {
    let mut us = TestRegion::new("us-east-1");
    let key = us.create();
    let request = GetKeyRotationStatusRequest {
        key_id: Some(key.clone()),
    };
    let status = us.call(request).unwrap();
    assert_eq!(status.key_rotation_enabled, Some(false));
    assert_eq!(status.key_id, Some(us.arn(&key)));
    assert_eq!(
        (status.rotation_period_in_days, status.next_rotation_date),
        (None, None)
    );
}
