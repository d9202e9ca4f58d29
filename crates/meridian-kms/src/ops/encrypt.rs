//! Encrypt: up to 4096 bytes under a symmetric key's current material, or one
//! block under an RSA key.

use meridian_crypto::{CiphertextKind, KeySpec};
use meridian_proto::v1::{EncryptRequest, EncryptResponse};

use crate::admission::required;
use crate::context::Context;
use crate::cryptography::{self, SYMMETRIC_DEFAULT};
use crate::key_store::{Halt, external};
use crate::ops::Operation;
use crate::region::Region;
use crate::{asymmetric, suitability};

/// Encrypts here and now.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &EncryptRequest,
) -> Result<EncryptResponse, Halt> {
    let key = region.admit_use(cx, Operation::Encrypt, &request.key_id)?;
    let (algorithm, context) = (&request.encryption_algorithm, &request.encryption_context);
    let plaintext = required(&request.plaintext)?;
    let (blob, algorithm) = if key.shared.spec == KeySpec::SymmetricDefault {
        suitability::check_algorithm(key, algorithm.as_deref().unwrap_or(SYMMETRIC_DEFAULT))?;
        cryptography::stop_dry_run(request.dry_run)?;
        let (operation, kind) = (Operation::Encrypt, CiphertextKind::Encrypt);
        let (blob, _) = external::encrypt(region, cx, operation, key, kind, context, plaintext)?;
        (blob, SYMMETRIC_DEFAULT)
    } else {
        let encryption = asymmetric::prepare_encryption(cx, key, algorithm, context)?;
        encryption.check_length(key.shared.spec, plaintext)?;
        cryptography::stop_dry_run(request.dry_run)?;
        (encryption.carry_out(plaintext)?, encryption.algorithm())
    };
    Ok(EncryptResponse {
        ciphertext_blob: Some(blob.into()),
        key_id: cryptography::arn(&key.key, region.name()),
        encryption_algorithm: Some(algorithm.into()),
    })
}

#[cfg(test)]
mod tests {
    use meridian_proto::v1::EncryptRequest;

    use crate::fixture::{TestRegion, refusal};

    fn request(key: &str) -> EncryptRequest {
        EncryptRequest {
            key_id: Some(key.into()),
            plaintext: Some("hello".into()),
            ..Default::default()
        }
    }

    #[test]
    fn the_answer_names_key_and_algorithm_and_hides_the_plaintext() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create();
        let answer = us.call(request(&key)).unwrap();
        assert_eq!(answer.key_id, Some(us.arn(&key)));
        assert_eq!(
            answer.encryption_algorithm.as_deref(),
            Some("SYMMETRIC_DEFAULT")
        );
        let blob = answer.ciphertext_blob.unwrap();
        assert!(blob.len() <= 5 + 152);
        assert!(!blob.windows(5).any(|window| window == b"hello"));
        assert_eq!(us.decrypt(&blob).unwrap(), "hello");
    }

    #[test]
    fn the_same_text_never_gives_the_same_ciphertext() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create();
        assert_ne!(
            us.encrypt(&key, "x").unwrap(),
            us.encrypt(&key, "x").unwrap()
        );
    }

    #[test]
    fn a_dry_run_says_whether_it_would_have_worked() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create();
        let dry = EncryptRequest {
            dry_run: Some(true),
            ..request(&key)
        };
        assert_eq!(
            refusal(us.call(dry.clone())),
            "DryRunOperationException: The request would have succeeded, but the DryRun option is \
             set."
        );
        us.disable(&key).unwrap();
        assert!(refusal(us.call(dry)).starts_with("DisabledException"));
    }

    #[test]
    fn the_state_comes_before_the_algorithm() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create();
        let other = EncryptRequest {
            encryption_algorithm: Some("RSAES_OAEP_SHA_1".into()),
            ..request(&key)
        };
        assert_eq!(
            refusal(us.call(other.clone())),
            "InvalidKeyUsageException: Algorithm RSAES_OAEP_SHA_1 is incompatible with key spec \
             SYMMETRIC_DEFAULT."
        );
        us.disable(&key).unwrap();
        assert!(refusal(us.call(other)).starts_with("DisabledException"));
    }
}
