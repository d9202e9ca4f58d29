//! GetPublicKey: the public half of an asymmetric key, to be used outside.
//!
//! The set shares it, so it is here as soon as any region has had the private
//! half, and stays when that is deleted or expires.

use meridian_crypto::KeySpec;
use meridian_proto::v1::{GetPublicKeyRequest, GetPublicKeyResponse};

use crate::asymmetric;
use crate::context::Context;
use crate::cryptography;
use crate::error::KmsError;
use crate::key_state::KeyState;
use crate::key_usage::KeyUsage;
use crate::metadata::shown_algorithms;
use crate::ops::Operation;
use crate::region::Region;

/// Reads it.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &GetPublicKeyRequest,
) -> Result<GetPublicKeyResponse, KmsError> {
    let operation = Operation::GetPublicKey;
    let key = region.admit_use(cx, operation, &request.key_id)?;
    let Some(public_key) = asymmetric::public_key(key) else {
        // fidelity: assumed for a key that never had material.
        return Err(KeyState::PendingImport.refusal(key.key.arn_in(region.name())));
    };
    let of_usage = |usage| shown_algorithms(&key.shared, usage);
    let spec = key.shared.spec;
    Ok(GetPublicKeyResponse {
        key_id: cryptography::arn(&key.key, region.name()),
        public_key: Some(public_key.as_der().to_vec().into()),
        customer_master_key_spec: has_older_spelling(spec).then(|| spec.name().into()),
        key_spec: Some(spec.name().into()),
        key_usage: Some(key.shared.usage.name().into()),
        encryption_algorithms: of_usage(KeyUsage::EncryptDecrypt),
        signing_algorithms: of_usage(KeyUsage::SignVerify),
        key_agreement_algorithms: of_usage(KeyUsage::KeyAgreement),
        encapsulation_algorithms: of_usage(KeyUsage::EncapsulateDecapsulate),
    })
}

/// Whether `CustomerMasterKeySpec`, which is no longer extended, has the spec.
fn has_older_spelling(spec: KeySpec) -> bool {
    spec != KeySpec::EccNistEdwards25519 && !spec.is_post_quantum()
}

#[cfg(test)]
mod tests {
    use meridian_proto::v1::{CreateKeyRequest, GetPublicKeyRequest};

    use crate::fixture::{TestRegion, refusal};

    fn request(key: &str) -> GetPublicKeyRequest {
        GetPublicKeyRequest {
            key_id: Some(key.into()),
            ..Default::default()
        }
    }

    fn create(us: &mut TestRegion, spec: &str, usage: &str) -> String {
        us.create_as(CreateKeyRequest {
            key_spec: Some(spec.into()),
            key_usage: Some(usage.into()),
            ..Default::default()
        })
    }

    #[test]
    fn the_public_key_comes_with_what_the_key_is_for() {
        let mut us = TestRegion::new("us-east-1");
        let key = create(&mut us, "ECC_NIST_P256", "KEY_AGREEMENT");
        let answer = us.call(request(&key)).unwrap();
        assert_eq!(answer.key_id, Some(us.arn(&key)));
        assert_eq!(answer.public_key.unwrap().len(), 91);
        assert_eq!(answer.key_spec.as_deref(), Some("ECC_NIST_P256"));
        assert_eq!(
            answer.customer_master_key_spec.as_deref(),
            Some("ECC_NIST_P256")
        );
        assert_eq!(answer.key_usage.as_deref(), Some("KEY_AGREEMENT"));
        assert_eq!(answer.key_agreement_algorithms, ["ECDH"]);
        assert!(answer.signing_algorithms.is_empty());
    }

    #[test]
    fn newer_specs_have_no_older_spelling() {
        let mut us = TestRegion::new("us-east-1");
        for (spec, usage) in [
            ("ECC_NIST_EDWARDS25519", "SIGN_VERIFY"),
            ("ML_DSA_44", "SIGN_VERIFY"),
            ("ML_KEM_512", "ENCAPSULATE_DECAPSULATE"),
        ] {
            let key = create(&mut us, spec, usage);
            let answer = us.call(request(&key)).unwrap();
            assert_eq!(answer.customer_master_key_spec, None, "{spec}");
            assert_eq!(answer.key_spec.as_deref(), Some(spec));
        }
    }

    #[test]
    fn a_key_without_a_public_half_has_no_such_operation() {
        let mut us = TestRegion::new("us-east-1");
        let hmac = create(&mut us, "HMAC_256", "GENERATE_VERIFY_MAC");
        let symmetric = us.create();
        for key in [hmac, symmetric] {
            let answer = refusal(us.call(request(&key)));
            assert_eq!(answer, "UnsupportedOperationException");
        }
    }

    #[test]
    fn a_disabled_key_shows_its_public_key_and_one_being_deleted_does_not() {
        let mut us = TestRegion::new("us-east-1");
        let key = create(&mut us, "ECC_NIST_P256", "SIGN_VERIFY");
        us.disable(&key).unwrap();
        assert!(us.call(request(&key)).is_ok());
        us.schedule_deletion(&key).unwrap();
        let deleted = format!(
            "KMSInvalidStateException: {} is pending deletion.",
            us.arn(&key)
        );
        assert_eq!(refusal(us.call(request(&key))), deleted);
    }
}
