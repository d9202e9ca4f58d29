//! Encryption under RSA keys, as its callers see it.

use meridian_proto::v1::*;

use crate::fixture::{TestRegion, refusal};

const OAEP: &str = "RSAES_OAEP_SHA_256";

fn us_with_key() -> (TestRegion, String) {
    let mut us = TestRegion::new("us-east-1");
    let key = us.create_as(CreateKeyRequest {
        key_spec: Some("RSA_2048".into()),
        key_usage: Some("ENCRYPT_DECRYPT".into()),
        ..Default::default()
    });
    (us, key)
}

fn encrypt(key: &str, algorithm: &str, length: usize) -> EncryptRequest {
    EncryptRequest {
        key_id: Some(key.into()),
        plaintext: Some(vec![7; length].into()),
        encryption_algorithm: Some(algorithm.into()),
        ..Default::default()
    }
}

fn decrypt(key: &str, algorithm: &str, blob: &[u8]) -> DecryptRequest {
    DecryptRequest {
        key_id: Some(key.into()),
        ciphertext_blob: Some(blob.to_vec().into()),
        encryption_algorithm: Some(algorithm.into()),
        ..Default::default()
    }
}

#[test]
fn what_fits_into_a_block_comes_back_and_a_byte_more_is_refused() {
    let (mut us, key) = us_with_key();
    for (algorithm, most) in [("RSAES_OAEP_SHA_1", 214), (OAEP, 190)] {
        let answer = us.call(encrypt(&key, algorithm, most)).unwrap();
        assert_eq!(answer.encryption_algorithm.as_deref(), Some(algorithm));
        assert_eq!(answer.key_id, Some(us.arn(&key)));
        let blob = answer.ciphertext_blob.unwrap();
        assert_eq!(blob.len(), 256);
        let back = us.call(decrypt(&key, algorithm, &blob)).unwrap();
        assert_eq!(back.plaintext.unwrap(), vec![7; most]);
        assert_eq!(back.key_id, Some(us.arn(&key)));
        assert_eq!(back.key_material_id, None);
        assert_eq!(back.encryption_algorithm.as_deref(), Some(algorithm));
        assert_eq!(
            refusal(us.call(encrypt(&key, algorithm, most + 1))),
            format!(
                "ValidationException: Algorithm {algorithm} and key spec RSA_2048 cannot encrypt \
                 data larger than {most} bytes."
            )
        );
    }
}

#[test]
fn the_algorithm_has_to_be_named_and_the_same() {
    let (mut us, key) = us_with_key();
    let blob = us.call(encrypt(&key, OAEP, 5)).unwrap();
    let blob = blob.ciphertext_blob.unwrap();
    let invalid = "InvalidCiphertextException";
    let other = decrypt(&key, "RSAES_OAEP_SHA_1", &blob);
    assert_eq!(refusal(us.call(other)), invalid);
    let by_default = DecryptRequest {
        encryption_algorithm: None,
        ..decrypt(&key, OAEP, &blob)
    };
    assert_eq!(refusal(us.call(by_default)), invalid);
    assert_eq!(refusal(us.call(decrypt(&key, OAEP, &blob[1..]))), invalid);
    let by_default = EncryptRequest {
        encryption_algorithm: None,
        ..encrypt(&key, OAEP, 5)
    };
    assert_eq!(
        refusal(us.call(by_default)),
        "InvalidKeyUsageException: Algorithm SYMMETRIC_DEFAULT is incompatible with key spec \
         RSA_2048."
    );
    let nameless = DecryptRequest {
        key_id: None,
        ..decrypt(&key, OAEP, &blob)
    };
    assert_eq!(
        refusal(us.call(nameless)),
        "ValidationException: KeyId must not be null"
    );
}

#[test]
fn an_encryption_context_is_refused() {
    let (mut us, key) = us_with_key();
    let context: std::collections::BTreeMap<_, _> = [("a".to_owned(), "1".to_owned())].into();
    let encrypting = EncryptRequest {
        encryption_context: context.clone(),
        ..encrypt(&key, OAEP, 5)
    };
    let refused = |verb: &str| {
        format!(
            "ValidationException: EncryptionContext is not supported when {verb} with asymmetric \
             CMKs."
        )
    };
    assert_eq!(refusal(us.call(encrypting)), refused("encrypting"));
    let decrypting = DecryptRequest {
        encryption_context: context,
        ..decrypt(&key, OAEP, b"x")
    };
    assert_eq!(refusal(us.call(decrypting)), refused("decrypting"));
}

#[test]
fn a_symmetric_ciphertext_names_another_key_than_an_rsa_key() {
    let (mut us, key) = us_with_key();
    let symmetric = us.create();
    let blob = us.encrypt(&symmetric, "hello").unwrap();
    let request = DecryptRequest {
        encryption_algorithm: None,
        ..decrypt(&key, OAEP, &blob)
    };
    assert_eq!(
        refusal(us.call(request)),
        "IncorrectKeyException: The key ID in the request does not identify a CMK that can \
         perform this operation."
    );
}

#[test]
fn a_ciphertext_moves_from_a_symmetric_key_to_an_rsa_key_and_back() {
    let (mut us, key) = us_with_key();
    let symmetric = us.create();
    let blob = us.encrypt(&symmetric, "hello").unwrap();
    let to_rsa = us
        .call(ReEncryptRequest {
            ciphertext_blob: Some(blob.into()),
            destination_key_id: Some(key.clone()),
            destination_encryption_algorithm: Some(OAEP.into()),
            ..Default::default()
        })
        .unwrap();
    assert_eq!(to_rsa.destination_key_material_id, None);
    assert!(to_rsa.source_key_material_id.is_some());
    assert_eq!(
        to_rsa.destination_encryption_algorithm.as_deref(),
        Some(OAEP)
    );
    let back = us
        .call(ReEncryptRequest {
            ciphertext_blob: to_rsa.ciphertext_blob,
            source_key_id: Some(key.clone()),
            source_encryption_algorithm: Some(OAEP.into()),
            destination_key_id: Some(symmetric),
            ..Default::default()
        })
        .unwrap();
    assert_eq!(back.source_key_id, Some(us.arn(&key)));
    assert_eq!(back.source_key_material_id, None);
    assert_eq!(us.decrypt(&back.ciphertext_blob.unwrap()).unwrap(), "hello");
}

#[test]
fn a_signing_key_encrypts_nothing_and_a_dry_run_neither() {
    let (mut us, key) = us_with_key();
    let signing = us.create_as(CreateKeyRequest {
        key_spec: Some("ECC_NIST_P256".into()),
        key_usage: Some("SIGN_VERIFY".into()),
        ..Default::default()
    });
    let arn = us.arn(&signing);
    for (operation, refused) in [
        ("Encrypt", refusal(us.call(encrypt(&signing, OAEP, 5)))),
        ("Decrypt", refusal(us.call(decrypt(&signing, OAEP, b"x")))),
    ] {
        assert_eq!(
            refused,
            format!(
                "InvalidKeyUsageException: {arn} key usage is SIGN_VERIFY which is not valid for \
                 {operation}."
            )
        );
    }
    let dry = |length| EncryptRequest {
        dry_run: Some(true),
        ..encrypt(&key, OAEP, length)
    };
    assert!(refusal(us.call(dry(5))).starts_with("DryRunOperationException"));
    assert!(refusal(us.call(dry(191))).starts_with("ValidationException"));
}
