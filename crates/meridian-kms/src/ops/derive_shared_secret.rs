//! DeriveSharedSecret: the raw ECDH secret that a key shares with a peer.

use meridian_proto::v1::{DeriveSharedSecretRequest, DeriveSharedSecretResponse};

use crate::admission::required;
use crate::asymmetric;
use crate::context::Context;
use crate::cryptography::{self, internal};
use crate::error::{ErrorCode, KmsError};
use crate::ops::Operation;
use crate::region::Region;
use crate::{recipient, suitability};

/// Derives it here and now.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &DeriveSharedSecretRequest,
) -> Result<DeriveSharedSecretResponse, KmsError> {
    let operation = Operation::DeriveSharedSecret;
    let key = region.admit_use(cx, operation, &request.key_id)?;
    let algorithm = required(&request.key_agreement_algorithm)?;
    suitability::check_algorithm(key, algorithm)?;
    let recipient = recipient::check(cx, &request.recipient)?;
    let secret = asymmetric::open(cx, key)?.agree(required(&request.public_key)?);
    // Recorded: a public key that cannot be read gives an error without a text.
    let secret = secret.map_err(|_| internal())?;
    let secret = secret.ok_or_else(|| KmsError::bare(ErrorCode::ValidationException))?;
    cryptography::stop_dry_run(request.dry_run)?;
    let answer = recipient.answer(&secret, cx.entropy)?;
    Ok(DeriveSharedSecretResponse {
        key_id: cryptography::arn(&key.key, region.name()),
        shared_secret: answer.plaintext,
        ciphertext_for_recipient: answer.ciphertext_for_recipient,
        key_agreement_algorithm: Some(algorithm.clone()),
        key_origin: Some(key.shared.origin.name().into()),
    })
}

#[cfg(test)]
mod tests {
    use meridian_proto::v1::{CreateKeyRequest, DeriveSharedSecretRequest, GetPublicKeyRequest};

    use crate::fixture::{TestRegion, refusal};

    fn create(us: &mut TestRegion, spec: &str) -> (String, Vec<u8>) {
        let key = us.create_as(CreateKeyRequest {
            key_spec: Some(spec.into()),
            key_usage: Some("KEY_AGREEMENT".into()),
            ..Default::default()
        });
        let request = GetPublicKeyRequest {
            key_id: Some(key.clone()),
            ..Default::default()
        };
        let public = us.call(request).unwrap().public_key.unwrap();
        (key, public.to_vec())
    }

    fn request(key: &str, peer: &[u8]) -> DeriveSharedSecretRequest {
        DeriveSharedSecretRequest {
            key_id: Some(key.into()),
            key_agreement_algorithm: Some("ECDH".into()),
            public_key: Some(peer.to_vec().into()),
            ..Default::default()
        }
    }

    #[test]
    fn two_keys_of_one_curve_come_to_the_same_secret() {
        let mut us = TestRegion::new("us-east-1");
        for (spec, length) in [
            ("ECC_NIST_P256", 32),
            ("ECC_NIST_P384", 48),
            ("ECC_NIST_P521", 66),
        ] {
            let (one, one_public) = create(&mut us, spec);
            let (other, other_public) = create(&mut us, spec);
            let answer = us.call(request(&one, &other_public)).unwrap();
            assert_eq!(answer.key_id, Some(us.arn(&one)));
            assert_eq!(answer.key_origin.as_deref(), Some("AWS_KMS"));
            assert_eq!(answer.key_agreement_algorithm.as_deref(), Some("ECDH"));
            let secret = answer.shared_secret.unwrap();
            assert_eq!(secret.len(), length);
            let there = us.call(request(&other, &one_public)).unwrap();
            assert_eq!(there.shared_secret.unwrap(), secret);
        }
    }

    #[test]
    fn a_public_key_of_another_curve_and_noise_are_refused_without_a_text() {
        let mut us = TestRegion::new("us-east-1");
        let (key, public) = create(&mut us, "ECC_NIST_P256");
        let (_, other) = create(&mut us, "ECC_NIST_P384");
        let point = &public[public.len() - 65..];
        for peer in [&other[..], b"noise", point] {
            let answer = refusal(us.call(request(&key, peer)));
            assert_eq!(answer, "ValidationException");
        }
    }

    #[test]
    fn a_signing_key_derives_nothing() {
        let mut us = TestRegion::new("us-east-1");
        let (_, public) = create(&mut us, "ECC_NIST_P256");
        let signing = us.create_as(CreateKeyRequest {
            key_spec: Some("ECC_NIST_P256".into()),
            key_usage: Some("SIGN_VERIFY".into()),
            ..Default::default()
        });
        assert_eq!(
            refusal(us.call(request(&signing, &public))),
            format!(
                "InvalidKeyUsageException: {} key usage is SIGN_VERIFY which is not valid for \
                 DeriveSharedSecret.",
                us.arn(&signing)
            )
        );
    }
}
