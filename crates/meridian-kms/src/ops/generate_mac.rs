//! GenerateMac: the HMAC of a message.

use meridian_proto::v1::{GenerateMacRequest, GenerateMacResponse};

use crate::admission::required;
use crate::asymmetric;
use crate::context::Context;
use crate::cryptography::{self, internal};
use crate::error::KmsError;
use crate::ops::Operation;
use crate::region::Region;
use crate::suitability;

/// Computes it here and now.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &GenerateMacRequest,
) -> Result<GenerateMacResponse, KmsError> {
    let operation = Operation::GenerateMac;
    let key = region.admit_use(cx, operation, &request.key_id)?;
    let algorithm = required(&request.mac_algorithm)?;
    suitability::check_algorithm(key, algorithm)?;
    let message = required(&request.message)?;
    cryptography::stop_dry_run(request.dry_run)?;
    let mac = asymmetric::open(cx, key)?.mac(message);
    Ok(GenerateMacResponse {
        mac: Some(mac.map_err(|_| internal())?.into()),
        mac_algorithm: Some(algorithm.clone()),
        key_id: cryptography::arn(&key.key, region.name()),
    })
}

#[cfg(test)]
mod tests {
    use meridian_proto::v1::{CreateKeyRequest, GenerateMacRequest, VerifyMacRequest};

    use crate::fixture::{TestRegion, refusal};

    fn us_with_key(spec: &str) -> (TestRegion, String) {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create_as(CreateKeyRequest {
            key_spec: Some(spec.into()),
            key_usage: Some("GENERATE_VERIFY_MAC".into()),
            ..Default::default()
        });
        (us, key)
    }

    fn generate(key: &str, algorithm: &str) -> GenerateMacRequest {
        GenerateMacRequest {
            message: Some("hello".into()),
            key_id: Some(key.into()),
            mac_algorithm: Some(algorithm.into()),
            ..Default::default()
        }
    }

    fn verify(key: &str, algorithm: &str, mac: &[u8]) -> VerifyMacRequest {
        VerifyMacRequest {
            message: Some("hello".into()),
            key_id: Some(key.into()),
            mac_algorithm: Some(algorithm.into()),
            mac: Some(mac.to_vec().into()),
            ..Default::default()
        }
    }

    #[test]
    fn every_hmac_key_verifies_what_it_made_and_nothing_else() {
        for (spec, algorithm, length) in [
            ("HMAC_224", "HMAC_SHA_224", 28),
            ("HMAC_256", "HMAC_SHA_256", 32),
            ("HMAC_384", "HMAC_SHA_384", 48),
            ("HMAC_512", "HMAC_SHA_512", 64),
        ] {
            let (mut us, key) = us_with_key(spec);
            let made = us.call(generate(&key, algorithm)).unwrap();
            assert_eq!(made.key_id, Some(us.arn(&key)));
            assert_eq!(made.mac_algorithm.as_deref(), Some(algorithm));
            let mac = made.mac.unwrap();
            assert_eq!(mac.len(), length);
            let answer = us.call(verify(&key, algorithm, &mac)).unwrap();
            assert_eq!(answer.mac_valid, Some(true));
            assert_eq!(answer.key_id, Some(us.arn(&key)));
            for wrong in [&mac[1..], b"", &[&mac[..], b"x"].concat(), &[0; 64]] {
                let answer = refusal(us.call(verify(&key, algorithm, wrong)));
                assert_eq!(answer, "KMSInvalidMacException");
            }
        }
    }

    #[test]
    fn state_usage_and_algorithm_are_checked_in_this_order() {
        let (mut us, key) = us_with_key("HMAC_256");
        let unfit = generate(&key, "HMAC_SHA_384");
        assert_eq!(
            refusal(us.call(unfit.clone())),
            "InvalidKeyUsageException: Algorithm HMAC_SHA_384 is incompatible with key spec \
             HMAC_256."
        );
        us.disable(&key).unwrap();
        let disabled = format!("DisabledException: {} is disabled.", us.arn(&key));
        assert_eq!(refusal(us.call(unfit)), disabled);
        let symmetric = us.create();
        assert_eq!(
            refusal(us.call(generate(&symmetric, "HMAC_SHA_256"))),
            format!(
                "InvalidKeyUsageException: {} key usage is ENCRYPT_DECRYPT which is not valid for \
                 GenerateMac.",
                us.arn(&symmetric)
            )
        );
    }

    #[test]
    fn a_dry_run_of_a_verification_tells_a_wrong_hmac() {
        let (mut us, key) = us_with_key("HMAC_256");
        let mac = us
            .call(generate(&key, "HMAC_SHA_256"))
            .unwrap()
            .mac
            .unwrap();
        let dry = |mac: &[u8]| VerifyMacRequest {
            dry_run: Some(true),
            ..verify(&key, "HMAC_SHA_256", mac)
        };
        assert!(refusal(us.call(dry(&mac))).starts_with("DryRunOperationException"));
        assert_eq!(refusal(us.call(dry(b"no"))), "KMSInvalidMacException");
        let generating = GenerateMacRequest {
            dry_run: Some(true),
            ..generate(&key, "HMAC_SHA_256")
        };
        assert!(refusal(us.call(generating)).starts_with("DryRunOperationException"));
    }
}
