//! Decrypt: opens a ciphertext with the material that it names; the caller
//! cannot choose one. Any region that holds the material can do it.

use meridian_proto::v1::{DecryptRequest, DecryptResponse};

use crate::context::Context;
use crate::cryptography::{self, SYMMETRIC_DEFAULT, Source};
use crate::error::KmsError;
use crate::key_store::Halt;
use crate::ops::Operation;
use crate::region::Region;
use crate::{recipient, suitability};

/// Decrypts here and now.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &DecryptRequest,
) -> Result<DecryptResponse, Halt> {
    if cryptography::ignores_ciphertext(request.dry_run, &request.dry_run_modifiers) {
        let operation = Operation::Decrypt;
        let key = region.admit_use(cx, operation, &request.key_id)?;
        let algorithm = request.encryption_algorithm.as_deref();
        suitability::check_algorithm(key, algorithm.unwrap_or(SYMMETRIC_DEFAULT))?;
        recipient::check(cx, &request.recipient)?;
        cryptography::stop_dry_run(request.dry_run)?;
    }
    let Some(blob) = &request.ciphertext_blob else {
        return Err(KmsError::validation("CiphertextBlob must not be null").into());
    };
    let source = Source {
        operation: Operation::Decrypt,
        blob,
        key_id: request.key_id.as_deref(),
        algorithm: &request.encryption_algorithm,
        context: &request.encryption_context,
    };
    let decrypted = cryptography::decrypt(region, cx, &source)?;
    let recipient = recipient::check(cx, &request.recipient)?;
    cryptography::stop_dry_run(request.dry_run)?;
    let answer = recipient.answer(&decrypted.plaintext, cx.entropy)?;
    let shown = decrypted.material.filter(|_| !recipient.is_enclave());
    Ok(DecryptResponse {
        key_id: cryptography::arn(&decrypted.key, region.name()),
        plaintext: answer.plaintext,
        encryption_algorithm: Some(decrypted.algorithm.into()),
        ciphertext_for_recipient: answer.ciphertext_for_recipient,
        key_material_id: shown.map(|material| material.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use meridian_proto::v1::{DecryptRequest, EncryptRequest, RecipientInfo};

    use crate::fixture::{TestRegion, refusal};

    fn us_with_ciphertext() -> (TestRegion, String, Vec<u8>) {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create();
        let request = EncryptRequest {
            key_id: Some(key.clone()),
            plaintext: Some("hello".into()),
            encryption_context: [("a".to_owned(), "1".to_owned())].into(),
            ..Default::default()
        };
        let blob = us.call(request).unwrap().ciphertext_blob.unwrap();
        (us, key, blob.to_vec())
    }

    fn request(blob: &[u8]) -> DecryptRequest {
        DecryptRequest {
            ciphertext_blob: Some(blob.to_vec().into()),
            encryption_context: [("a".to_owned(), "1".to_owned())].into(),
            ..Default::default()
        }
    }

    const INCORRECT: &str = "IncorrectKeyException: The key ID in the request does not identify a \
                             CMK that can perform this operation.";

    #[test]
    fn the_answer_names_key_material_and_algorithm() {
        let (mut us, key, blob) = us_with_ciphertext();
        let answer = us.call(request(&blob)).unwrap();
        assert_eq!(answer.plaintext.unwrap(), "hello");
        assert_eq!(answer.key_id, Some(us.arn(&key)));
        assert_eq!(
            answer.encryption_algorithm.as_deref(),
            Some("SYMMETRIC_DEFAULT")
        );
        assert_eq!(
            answer.key_material_id,
            us.describe(&key).current_key_material_id
        );
        assert_eq!(answer.ciphertext_for_recipient, None);
    }

    #[test]
    fn the_context_has_to_be_the_same() {
        let (mut us, _, blob) = us_with_ciphertext();
        let other = DecryptRequest {
            encryption_context: Default::default(),
            ..request(&blob)
        };
        assert_eq!(refusal(us.call(other)), "InvalidCiphertextException");
    }

    #[test]
    fn an_altered_ciphertext_and_noise_are_refused() {
        let (mut us, _, mut blob) = us_with_ciphertext();
        assert_eq!(
            refusal(us.call(request(b"noise"))),
            "InvalidCiphertextException"
        );
        *blob.last_mut().unwrap() ^= 1;
        assert_eq!(
            refusal(us.call(request(&blob))),
            "InvalidCiphertextException"
        );
    }

    #[test]
    fn naming_another_key_is_refused_before_its_state_is_looked_at() {
        let (mut us, key, blob) = us_with_ciphertext();
        let other = us.create();
        us.disable(&other).unwrap();
        let named = |key: &str| DecryptRequest {
            key_id: Some(key.into()),
            ..request(&blob)
        };
        assert_eq!(refusal(us.call(named(&other))), INCORRECT);
        assert_eq!(us.call(named(&key)).unwrap().plaintext.unwrap(), "hello");
    }

    #[test]
    fn a_ciphertext_of_a_key_that_is_not_here_says_nothing_about_it() {
        let (_, _, blob) = us_with_ciphertext();
        let mut eu = TestRegion::new("eu-west-1");
        assert_eq!(
            refusal(eu.call(request(&blob))),
            "AccessDeniedException: The ciphertext refers to a customer master key that does not \
             exist, does not exist in this region, or you are not allowed to access."
        );
    }

    #[test]
    fn another_algorithm_needs_a_key_and_then_does_not_fit_it() {
        let (mut us, key, blob) = us_with_ciphertext();
        let rsa = DecryptRequest {
            encryption_algorithm: Some("RSAES_OAEP_SHA_256".into()),
            ..request(&blob)
        };
        assert_eq!(
            refusal(us.call(rsa.clone())),
            "ValidationException: KeyId must not be null"
        );
        let named = DecryptRequest {
            key_id: Some(key),
            encryption_context: Default::default(),
            ..rsa
        };
        let unfit = refusal(us.call(named));
        assert!(
            unfit.starts_with("InvalidKeyUsageException"),
            "before the ciphertext: {unfit}"
        );
    }

    #[test]
    fn a_dry_run_checks_the_ciphertext_unless_told_not_to() {
        let (mut us, key, blob) = us_with_ciphertext();
        let dry = |blob: &[u8]| DecryptRequest {
            dry_run: Some(true),
            ..request(blob)
        };
        let would_work = "DryRunOperationException: The request would have succeeded, but the \
                          DryRun option is set.";
        assert_eq!(refusal(us.call(dry(&blob))), would_work);
        assert_eq!(
            refusal(us.call(dry(b"noise"))),
            "InvalidCiphertextException"
        );
        let ignoring = DecryptRequest {
            dry_run_modifiers: vec!["IGNORE_CIPHERTEXT".into()],
            ciphertext_blob: None,
            key_id: Some(key),
            ..dry(b"")
        };
        assert_eq!(refusal(us.call(ignoring)), would_work);
    }

    #[test]
    fn a_missing_ciphertext_and_an_attestation_are_refused() {
        let (mut us, _, blob) = us_with_ciphertext();
        let without = DecryptRequest {
            ciphertext_blob: None,
            ..request(&blob)
        };
        assert_eq!(
            refusal(us.call(without)),
            "ValidationException: CiphertextBlob must not be null"
        );
        let enclave = DecryptRequest {
            recipient: Some(RecipientInfo::default()),
            ..request(&blob)
        };
        assert!(refusal(us.call(enclave)).starts_with("ValidationException"));
    }

    #[test]
    fn waiting_material_decrypts_nothing_and_rotated_material_goes_on_decrypting() {
        let mut us = TestRegion::new("us-east-1");
        let (key, first) = us.create_imported(false, 1);
        let old = us.encrypt(&key, "old").unwrap();
        us.import(&key, 2, "NEW_KEY_MATERIAL").unwrap();
        assert_eq!(
            us.describe(&key).current_key_material_id,
            Some(first.clone())
        );
        us.rotate(&key).unwrap();
        assert_eq!(us.decrypt_with(&old).unwrap(), ("old".into(), first));
    }
}
