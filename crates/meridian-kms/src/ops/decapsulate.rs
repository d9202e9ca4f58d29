//! Decapsulate: the shared secret in a ciphertext of Encapsulate.
//!
//! An altered ciphertext of the right length is no error: ML-KEM gives another
//! secret then (implicit rejection, FIPS 203).

use meridian_proto::v1::{DecapsulateRequest, DecapsulateResponse};

use crate::admission::required;
use crate::asymmetric;
use crate::context::Context;
use crate::cryptography::{self, internal, invalid_ciphertext};
use crate::error::KmsError;
use crate::ops::Operation;
use crate::region::Region;
use crate::suitability;

/// Decapsulates here and now.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &DecapsulateRequest,
) -> Result<DecapsulateResponse, KmsError> {
    let operation = Operation::Decapsulate;
    let key = region.admit_use(cx, operation, &request.key_id)?;
    let algorithm = required(&request.encapsulation_algorithm)?;
    suitability::check_algorithm(key, algorithm)?;
    let ciphertext = required(&request.shared_secret_ciphertext_blob)?;
    let secret = asymmetric::open(cx, key)?.decapsulate(ciphertext);
    let secret = secret
        .map_err(|_| internal())?
        .ok_or_else(invalid_ciphertext)?;
    cryptography::stop_dry_run(request.dry_run)?;
    Ok(DecapsulateResponse {
        key_id: cryptography::arn(&key.key, region.name()),
        shared_secret: Some(bytes::Bytes::copy_from_slice(&secret)),
        encapsulation_algorithm: Some(algorithm.clone()),
    })
}

#[cfg(test)]
mod tests {
    use meridian_proto::v1::{CreateKeyRequest, DecapsulateRequest, EncapsulateRequest};

    use crate::fixture::{TestRegion, refusal};

    fn encapsulate(key: &str) -> EncapsulateRequest {
        EncapsulateRequest {
            key_id: Some(key.into()),
            encapsulation_algorithm: Some("ML_KEM".into()),
            ..Default::default()
        }
    }

    fn decapsulate(key: &str, ciphertext: &[u8]) -> DecapsulateRequest {
        DecapsulateRequest {
            key_id: Some(key.into()),
            shared_secret_ciphertext_blob: Some(ciphertext.to_vec().into()),
            encapsulation_algorithm: Some("ML_KEM".into()),
            ..Default::default()
        }
    }

    fn create(us: &mut TestRegion, spec: &str) -> String {
        us.create_as(CreateKeyRequest {
            key_spec: Some(spec.into()),
            key_usage: Some("ENCAPSULATE_DECAPSULATE".into()),
            ..Default::default()
        })
    }

    #[test]
    fn the_secret_comes_back_and_an_altered_ciphertext_gives_another() {
        let mut us = TestRegion::new("us-east-1");
        for (spec, length) in [
            ("ML_KEM_512", 768),
            ("ML_KEM_768", 1088),
            ("ML_KEM_1024", 1568),
        ] {
            let key = create(&mut us, spec);
            let made = us.call(encapsulate(&key)).unwrap();
            let mut ciphertext = made.shared_secret_ciphertext_blob.unwrap().to_vec();
            let secret = made.shared_secret.unwrap();
            assert_eq!((ciphertext.len(), secret.len()), (length, 32));
            assert_eq!(made.key_id, Some(us.arn(&key)));
            let back = us.call(decapsulate(&key, &ciphertext)).unwrap();
            assert_eq!(back.shared_secret.unwrap(), secret);
            ciphertext[7] ^= 1;
            let other = us.call(decapsulate(&key, &ciphertext)).unwrap();
            let other = other.shared_secret.unwrap();
            assert_ne!(other, secret);
            let again = us.call(decapsulate(&key, &ciphertext)).unwrap();
            assert_eq!(again.shared_secret.unwrap(), other, "always the same one");
        }
    }

    #[test]
    fn a_ciphertext_of_another_length_is_refused() {
        let mut us = TestRegion::new("us-east-1");
        let key = create(&mut us, "ML_KEM_512");
        for length in [1, 767, 769, 1088] {
            let answer = refusal(us.call(decapsulate(&key, &vec![0; length])));
            assert_eq!(answer, "InvalidCiphertextException");
        }
    }

    #[test]
    fn another_kind_of_key_is_refused() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create();
        assert_eq!(
            refusal(us.call(encapsulate(&key))),
            format!(
                "InvalidKeyUsageException: {} key usage is ENCRYPT_DECRYPT which is not valid for \
                 Encapsulate.",
                us.arn(&key)
            )
        );
        let dry = EncapsulateRequest {
            dry_run: Some(true),
            ..encapsulate(&create(&mut us, "ML_KEM_512"))
        };
        assert!(refusal(us.call(dry)).starts_with("DryRunOperationException"));
    }
}
