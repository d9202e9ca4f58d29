//! Imports into keys that are not symmetric: what may enter, and that it is one
//! secret for life.

use meridian_crypto::{KeySpec, Material, SeededEntropy, WrappingAlgorithm};
use meridian_proto::v1::*;

use crate::fixture::{TestRegion, refusal};

/// A private key as a user has it, in PKCS#8.
fn private_key(spec: &str, seed: u64) -> Vec<u8> {
    let spec = KeySpec::from_name(spec).unwrap();
    let material = Material::generate_for(spec, &mut SeededEntropy::new(seed));
    material.to_pkcs8().unwrap().to_vec()
}

fn create(us: &mut TestRegion, spec: &str, usage: &str) -> String {
    us.create_as(CreateKeyRequest {
        key_spec: Some(spec.into()),
        key_usage: Some(usage.into()),
        origin: Some("EXTERNAL".into()),
        ..Default::default()
    })
}

/// Imports for good, in the way that fits every private key.
fn import(
    us: &mut TestRegion,
    key: &str,
    bytes: &[u8],
) -> Result<ImportKeyMaterialResponse, crate::KmsError> {
    import_as(
        us,
        key,
        bytes,
        WrappingAlgorithm::RsaAesKeyWrapSha256,
        |_| {},
    )
}

fn import_as(
    us: &mut TestRegion,
    key: &str,
    bytes: &[u8],
    algorithm: WrappingAlgorithm,
    adjust: impl FnOnce(&mut ImportKeyMaterialRequest),
) -> Result<ImportKeyMaterialResponse, crate::KmsError> {
    let parameters = us.call(GetParametersForImportRequest {
        key_id: Some(key.into()),
        wrapping_algorithm: Some(algorithm.as_str().into()),
        wrapping_key_spec: Some("RSA_2048".into()),
    })?;
    let public = parameters.public_key.unwrap();
    let wrapped = meridian_crypto::wrap(&public, algorithm, bytes).unwrap();
    let mut request = ImportKeyMaterialRequest {
        key_id: Some(key.into()),
        import_token: parameters.import_token,
        encrypted_key_material: Some(wrapped.into()),
        expiration_model: Some("KEY_MATERIAL_DOES_NOT_EXPIRE".into()),
        ..Default::default()
    };
    adjust(&mut request);
    us.call(request)
}

fn public_key(us: &mut TestRegion, key: &str) -> Result<Vec<u8>, crate::KmsError> {
    let request = GetPublicKeyRequest {
        key_id: Some(key.into()),
        ..Default::default()
    };
    Ok(us.call(request)?.public_key.unwrap().to_vec())
}

fn sign(us: &mut TestRegion, key: &str) -> Result<SignResponse, crate::KmsError> {
    us.call(SignRequest {
        key_id: Some(key.into()),
        message: Some("hello".into()),
        signing_algorithm: Some("ECDSA_SHA_256".into()),
        ..Default::default()
    })
}

#[test]
fn an_imported_private_key_works_and_its_answers_show_no_material_id() {
    let mut us = TestRegion::new("us-east-1");
    for (spec, usage) in [
        ("RSA_2048", "SIGN_VERIFY"),
        ("ECC_NIST_P256", "SIGN_VERIFY"),
        ("ECC_NIST_P384", "KEY_AGREEMENT"),
        ("ECC_NIST_P521", "SIGN_VERIFY"),
        ("ECC_SECG_P256K1", "SIGN_VERIFY"),
        ("ECC_NIST_EDWARDS25519", "SIGN_VERIFY"),
    ] {
        let bytes = private_key(spec, 1);
        let key = create(&mut us, spec, usage);
        let imported = import(&mut us, &key, &bytes).unwrap();
        assert_eq!(imported.key_id, Some(us.arn(&key)));
        assert_eq!(imported.key_material_id, None);
        let described = us.describe(&key);
        assert_eq!(described.key_state.as_deref(), Some("Enabled"), "{spec}");
        assert_eq!(described.current_key_material_id, None);
        let model = described.expiration_model.as_deref();
        assert_eq!(model, Some("KEY_MATERIAL_DOES_NOT_EXPIRE"));
        let spec = KeySpec::from_name(spec).unwrap();
        let expected = Material::read(spec, &bytes).unwrap();
        assert_eq!(
            public_key(&mut us, &key).unwrap(),
            expected.public_key_der().unwrap()
        );
    }
}

#[test]
fn an_imported_hmac_key_makes_the_hmac_of_its_bytes() {
    let mut us = TestRegion::new("us-east-1");
    let key = create(&mut us, "HMAC_256", "GENERATE_VERIFY_MAC");
    let oaep = WrappingAlgorithm::RsaesOaepSha256;
    let bytes = [0x0b; 40];
    for wrong in [&bytes[..31], &[1; 129]] {
        let refused = import_as(&mut us, &key, wrong, oaep, |_| {});
        assert_eq!(refusal(refused), "InvalidCiphertextException");
    }
    import_as(&mut us, &key, &bytes, oaep, |_| {}).unwrap();
    let request = GenerateMacRequest {
        key_id: Some(key),
        message: Some("Hi There".into()),
        mac_algorithm: Some("HMAC_SHA_256".into()),
        ..Default::default()
    };
    let mac = us.call(request).unwrap().mac.unwrap();
    // Computed by Python's `hmac`.
    let expected = "06bc63444febca6c0c1b3ac07ebbec259ff28806089bc36bc1de5d68bb9b4b49";
    assert_eq!(hex::encode(mac), expected);
}

#[test]
fn a_private_key_of_another_curve_or_size_and_noise_are_refused() {
    let mut us = TestRegion::new("us-east-1");
    let key = create(&mut us, "ECC_NIST_P256", "SIGN_VERIFY");
    for bytes in [
        private_key("ECC_NIST_P384", 1),
        private_key("ECC_SECG_P256K1", 1),
        private_key("RSA_2048", 1),
        vec![7; 32],
    ] {
        let refused = import(&mut us, &key, &bytes);
        assert_eq!(refusal(refused), "InvalidCiphertextException");
    }
    assert_eq!(us.state(&key), "PendingImport");
    let pending = format!(
        "KMSInvalidStateException: {} is pending import.",
        us.arn(&key)
    );
    assert_eq!(refusal(public_key(&mut us, &key)), pending);
    assert_eq!(refusal(sign(&mut us, &key)), pending);
}

#[test]
fn a_key_takes_back_the_private_key_it_had_and_no_other() {
    let mut us = TestRegion::new("us-east-1");
    let key = create(&mut us, "ECC_NIST_P256", "SIGN_VERIFY");
    let (own, other) = (
        private_key("ECC_NIST_P256", 1),
        private_key("ECC_NIST_P256", 2),
    );
    import(&mut us, &key, &own).unwrap();
    let public = public_key(&mut us, &key).unwrap();
    let foreign = "IncorrectKeyMaterialException";
    assert_eq!(refusal(import(&mut us, &key, &other)), foreign);
    let deleted = us.delete_material(&key, None).unwrap();
    assert_eq!(deleted.key_id, Some(us.arn(&key)));
    assert_eq!(deleted.key_material_id, None);
    assert_eq!(us.state(&key), "PendingImport");
    assert_eq!(
        public_key(&mut us, &key).unwrap(),
        public,
        "the public half stays"
    );
    assert_eq!(refusal(import(&mut us, &key, &other)), foreign);
    import(&mut us, &key, &own).unwrap();
    assert!(sign(&mut us, &key).is_ok());
}

#[test]
fn an_imported_private_key_expires() {
    let mut us = TestRegion::new("us-east-1");
    let key = create(&mut us, "ECC_NIST_P256", "SIGN_VERIFY");
    let own = private_key("ECC_NIST_P256", 1);
    let valid_to = us.now.plus_days(1);
    let algorithm = WrappingAlgorithm::RsaesOaepSha1;
    import_as(&mut us, &key, &own, algorithm, |request| {
        request.expiration_model = None;
        request.valid_to = Some(valid_to.to_proto());
    })
    .unwrap();
    assert_eq!(us.describe(&key).valid_to, Some(valid_to.to_proto()));
    us.pass_days(1);
    assert_eq!(us.state(&key), "PendingImport");
    import(&mut us, &key, &own).unwrap();
    assert!(sign(&mut us, &key).is_ok());
}

#[test]
fn what_only_symmetric_imports_have_is_refused() {
    let mut us = TestRegion::new("us-east-1");
    let key = create(&mut us, "ECC_NIST_P256", "SIGN_VERIFY");
    let own = private_key("ECC_NIST_P256", 1);
    let id = "0".repeat(64);
    let algorithm = WrappingAlgorithm::RsaesOaepSha256;
    type Adjust = fn(&mut ImportKeyMaterialRequest);
    let adjusts: [(&str, Adjust); 3] = [
        ("importType", |request| {
            request.import_type = Some("NEW_KEY_MATERIAL".into());
        }),
        ("keyMaterialId", |request| {
            request.key_material_id = Some("0".repeat(64));
        }),
        ("keyMaterialDescription", |request| {
            request.key_material_description = Some("mine".into());
        }),
    ];
    for (name, adjust) in adjusts {
        let refused = import_as(&mut us, &key, &own, algorithm, adjust);
        assert_eq!(
            refusal(refused),
            format!(
                "ValidationException: Input parameter {name} cannot be used with ECC_NIST_P256 \
                 imported keys."
            )
        );
    }
    assert_eq!(
        refusal(us.delete_material(&key, Some(&id))),
        "ValidationException: Input parameter keyMaterialId cannot be used with ECC_NIST_P256 \
         imported keys."
    );
}

#[test]
fn keys_that_are_not_symmetric_do_not_rotate() {
    let mut us = TestRegion::new("us-east-1");
    let imported = create(&mut us, "ECC_NIST_P256", "SIGN_VERIFY");
    let origin = |arn: String| {
        format!(
            "UnsupportedOperationException: {arn} origin is EXTERNAL which is not valid for this \
             operation."
        )
    };
    assert_eq!(
        refusal(us.enable_rotation(&imported, None)),
        origin(us.arn(&imported))
    );
    let empty = format!(
        "KMSInvalidStateException: {} is pending import.",
        us.arn(&imported)
    );
    assert_eq!(refusal(us.rotate(&imported)), empty);
    let hmac = us.create_as(CreateKeyRequest {
        key_spec: Some("HMAC_256".into()),
        key_usage: Some("GENERATE_VERIFY_MAC".into()),
        ..Default::default()
    });
    let without_text = "UnsupportedOperationException";
    assert_eq!(refusal(us.enable_rotation(&hmac, None)), without_text);
    assert_eq!(refusal(us.rotate(&hmac)), without_text);
    us.call(DisableKeyRotationRequest {
        key_id: Some(hmac.clone()),
    })
    .unwrap();
    let status = us.rotation_status(&hmac).unwrap();
    assert_eq!(status.key_rotation_enabled, Some(false));
    assert!(us.rotations(&hmac).is_empty());
    let all = ListKeyRotationsRequest {
        key_id: Some(hmac),
        include_key_material: Some("ALL_KEY_MATERIAL".into()),
        ..Default::default()
    };
    assert_eq!(
        refusal(us.call(all)),
        "ValidationException: Input parameter includeKeyMaterial can only be used with symmetric \
         keys."
    );
}

#[test]
fn a_member_that_these_keys_do_not_have_is_told_before_their_state() {
    let mut us = TestRegion::new("us-east-1");
    let key = create(&mut us, "HMAC_256", "GENERATE_VERIFY_MAC");
    us.schedule_deletion(&key).unwrap();
    let request = ImportKeyMaterialRequest {
        key_id: Some(key),
        expiration_model: Some("KEY_MATERIAL_DOES_NOT_EXPIRE".into()),
        import_type: Some("EXISTING_KEY_MATERIAL".into()),
        ..Default::default()
    };
    assert_eq!(
        refusal(us.call(request)),
        "ValidationException: Input parameter importType cannot be used with HMAC_256 imported \
         keys."
    );
}
