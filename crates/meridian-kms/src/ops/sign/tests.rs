//! Sign and Verify, as a caller of both sees them.

use meridian_proto::v1::{CreateKeyRequest, SignRequest, VerifyRequest};

use crate::fixture::{TestRegion, refusal};

/// Every signing algorithm with a spec that has it, and its digest's length in
/// bytes.
const SIGNING: [(&str, &str, usize); 15] = [
    ("RSA_2048", "RSASSA_PSS_SHA_256", 32),
    ("RSA_2048", "RSASSA_PSS_SHA_384", 48),
    ("RSA_2048", "RSASSA_PSS_SHA_512", 64),
    ("RSA_2048", "RSASSA_PKCS1_V1_5_SHA_256", 32),
    ("RSA_2048", "RSASSA_PKCS1_V1_5_SHA_384", 48),
    ("RSA_2048", "RSASSA_PKCS1_V1_5_SHA_512", 64),
    ("ECC_NIST_P256", "ECDSA_SHA_256", 32),
    ("ECC_NIST_P384", "ECDSA_SHA_384", 48),
    ("ECC_NIST_P521", "ECDSA_SHA_512", 64),
    ("ECC_SECG_P256K1", "ECDSA_SHA_256", 32),
    ("ECC_NIST_EDWARDS25519", "ED25519_SHA_512", 0),
    ("ECC_NIST_EDWARDS25519", "ED25519_PH_SHA_512", 64),
    ("ML_DSA_44", "ML_DSA_SHAKE_256", 0),
    ("ML_DSA_65", "ML_DSA_SHAKE_256", 0),
    ("ML_DSA_87", "ML_DSA_SHAKE_256", 0),
];

fn create(us: &mut TestRegion, spec: &str) -> String {
    us.create_as(CreateKeyRequest {
        key_spec: Some(spec.into()),
        key_usage: Some("SIGN_VERIFY".into()),
        ..Default::default()
    })
}

fn sign(key: &str, algorithm: &str, message_type: &str, message: &[u8]) -> SignRequest {
    SignRequest {
        key_id: Some(key.into()),
        message: Some(message.to_vec().into()),
        message_type: Some(message_type.into()),
        signing_algorithm: Some(algorithm.into()),
        ..Default::default()
    }
}

fn verify(signed: &SignRequest, signature: &[u8]) -> VerifyRequest {
    VerifyRequest {
        key_id: signed.key_id.clone(),
        message: signed.message.clone(),
        message_type: signed.message_type.clone(),
        signing_algorithm: signed.signing_algorithm.clone(),
        signature: Some(signature.to_vec().into()),
        ..Default::default()
    }
}

#[test]
fn every_algorithm_verifies_what_it_signed_and_nothing_else() {
    let mut us = TestRegion::new("us-east-1");
    let mut last = ("", String::new());
    for (spec, algorithm, digest_len) in SIGNING {
        if last.0 != spec {
            last = (spec, create(&mut us, spec));
        }
        let key = &last.1;
        let mut requests = Vec::new();
        if algorithm != "ED25519_PH_SHA_512" {
            requests.push(sign(key, algorithm, "RAW", b"hello"));
        }
        if digest_len > 0 {
            requests.push(sign(key, algorithm, "DIGEST", &vec![7; digest_len]));
        }
        if algorithm == "ML_DSA_SHAKE_256" {
            requests.push(sign(key, algorithm, "EXTERNAL_MU", &[7; 64]));
        }
        for request in requests {
            let signed = us.call(request.clone()).unwrap();
            assert_eq!(signed.key_id, Some(us.arn(key)));
            assert_eq!(signed.signing_algorithm, request.signing_algorithm);
            let mut signature = signed.signature.unwrap().to_vec();
            let answer = us.call(verify(&request, &signature)).unwrap();
            assert_eq!(answer.signature_valid, Some(true), "{spec} {algorithm}");
            assert_eq!(answer.key_id, Some(us.arn(key)));
            let invalid = "KMSInvalidSignatureException";
            let short = verify(&request, &signature[1..]);
            assert_eq!(refusal(us.call(short)), invalid);
            *signature.last_mut().unwrap() ^= 1;
            assert_eq!(refusal(us.call(verify(&request, &signature))), invalid);
            assert_eq!(refusal(us.call(verify(&request, b"x"))), invalid);
        }
    }
}

#[test]
fn a_digest_of_another_length_is_refused() {
    let mut us = TestRegion::new("us-east-1");
    let key = create(&mut us, "ECC_NIST_P256");
    for length in [31, 33, 64] {
        assert_eq!(
            refusal(us.call(sign(&key, "ECDSA_SHA_256", "DIGEST", &vec![7; length]))),
            "ValidationException: Digest is invalid length for algorithm ECDSA_SHA_256."
        );
    }
}

#[test]
fn a_message_type_has_to_fit() {
    let mut us = TestRegion::new("us-east-1");
    for (spec, algorithm, message_type, with) in [
        (
            "ECC_NIST_P256",
            "ECDSA_SHA_256",
            "EXTERNAL_MU",
            "key spec ECC_NIST_P256",
        ),
        (
            "ML_DSA_44",
            "ML_DSA_SHAKE_256",
            "DIGEST",
            "key spec ML_DSA_44",
        ),
        (
            "ECC_NIST_EDWARDS25519",
            "ED25519_SHA_512",
            "DIGEST",
            "algorithm ED25519_SHA_512",
        ),
        (
            "ECC_NIST_EDWARDS25519",
            "ED25519_PH_SHA_512",
            "RAW",
            "algorithm ED25519_PH_SHA_512",
        ),
    ] {
        let key = create(&mut us, spec);
        let request = sign(&key, algorithm, message_type, &[7; 64]);
        assert_eq!(
            refusal(us.call(request)),
            format!(
                "InvalidKeyUsageException: Message type {message_type} is incompatible with {with}."
            )
        );
    }
}

#[test]
fn state_usage_and_algorithm_are_checked_in_this_order() {
    let mut us = TestRegion::new("us-east-1");
    let key = create(&mut us, "ECC_NIST_P256");
    let unfit = sign(&key, "ECDSA_SHA_384", "RAW", b"hello");
    assert_eq!(
        refusal(us.call(unfit.clone())),
        "InvalidKeyUsageException: Algorithm ECDSA_SHA_384 is incompatible with key spec \
         ECC_NIST_P256."
    );
    us.disable(&key).unwrap();
    let disabled = format!("DisabledException: {} is disabled.", us.arn(&key));
    assert_eq!(refusal(us.call(unfit)), disabled);
    let agreement = us.create_as(CreateKeyRequest {
        key_spec: Some("ECC_NIST_P256".into()),
        key_usage: Some("KEY_AGREEMENT".into()),
        ..Default::default()
    });
    let request = sign(&agreement, "ECDSA_SHA_384", "RAW", b"hello");
    let usage = |operation: &str| {
        format!(
            "InvalidKeyUsageException: {} key usage is KEY_AGREEMENT which is not valid for \
             {operation}.",
            us.arn(&agreement)
        )
    };
    let (for_sign, for_verify) = (usage("Sign"), usage("Verify"));
    assert_eq!(refusal(us.call(verify(&request, b"x"))), for_verify);
    assert_eq!(refusal(us.call(request)), for_sign);
}

#[test]
fn a_dry_run_never_signs_and_tells_a_wrong_signature() {
    let mut us = TestRegion::new("us-east-1");
    let key = create(&mut us, "ECC_NIST_P256");
    let request = sign(&key, "ECDSA_SHA_256", "RAW", b"hello");
    let signature = us.call(request.clone()).unwrap().signature.unwrap();
    let dry = SignRequest {
        dry_run: Some(true),
        ..request.clone()
    };
    assert!(refusal(us.call(dry)).starts_with("DryRunOperationException"));
    let dry = |signature: &[u8]| VerifyRequest {
        dry_run: Some(true),
        ..verify(&request, signature)
    };
    assert!(refusal(us.call(dry(&signature))).starts_with("DryRunOperationException"));
    assert_eq!(refusal(us.call(dry(b"x"))), "KMSInvalidSignatureException");
}
