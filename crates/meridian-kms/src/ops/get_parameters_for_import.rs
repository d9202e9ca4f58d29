//! GetParametersForImport: a public key to wrap material with, and a token
//! that lets ImportKeyMaterial unwrap it.
//!
//! The token holds everything that the import needs, sealed under the region's
//! root key: any node of the region accepts it, also after a restart, for 24
//! hours. Nothing is stored.

use std::str::FromStr;

use meridian_crypto::{ImportToken, WrappingAlgorithm, WrappingKeySpec};
use meridian_proto::v1::{GetParametersForImportRequest, GetParametersForImportResponse};

use crate::admission::required;
use crate::context::Context;
use crate::error::{ErrorCode, KmsError};
use crate::ops::Operation;
use crate::region::Region;

/// How long an import token is good for, in milliseconds.
pub(crate) const TOKEN_LIFE_MS: i64 = 24 * 60 * 60 * 1000;

/// Makes a token here and now. The wrapping key was generated ahead and comes
/// with the context.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &GetParametersForImportRequest,
) -> Result<GetParametersForImportResponse, KmsError> {
    let key = region.admit(cx, Operation::GetParametersForImport, &request.key_id)?;
    let algorithm = required(&request.wrapping_algorithm)?;
    let spec = required(&request.wrapping_key_spec)?;
    let (algorithm, spec) = parse(algorithm, spec)
        .filter(|(algorithm, spec)| algorithm.fits(*spec, key.shared.spec))
        .ok_or_else(|| {
            let key_spec = key.shared.spec.name();
            KmsError::validation(format!(
                "Wrapping algorithm {algorithm} and wrapping key spec {spec} cannot be used to \
                 import a {key_spec} key."
            ))
        })?;
    let wrapping_key = cx.wrapping_key.filter(|key| key.spec() == spec);
    // The node brings the key that wrapping_key_needed asks for.
    let wrapping_key =
        wrapping_key.ok_or_else(|| KmsError::bare(ErrorCode::KMSInternalException))?;
    let arn = key.key.arn(region.name());
    let valid_to = cx.now.plus_ms(TOKEN_LIFE_MS);
    let token = ImportToken::new(wrapping_key, arn.clone(), algorithm, valid_to.0);
    Ok(GetParametersForImportResponse {
        key_id: Some(arn),
        import_token: Some(cx.vault.seal_token(&token, cx.entropy).into()),
        public_key: Some(wrapping_key.public_key_der().into()),
        parameters_valid_to: Some(valid_to.to_proto()),
    })
}

/// The wrapping key that a request will need, if it is one that can work.
pub fn wrapping_key_needed(request: &GetParametersForImportRequest) -> Option<WrappingKeySpec> {
    let algorithm = request.wrapping_algorithm.as_deref()?;
    let (_, spec) = parse(algorithm, request.wrapping_key_spec.as_deref()?)?;
    Some(spec)
}

/// What of the schema's values is in use: not RSAES_PKCS1_V1_5, which AWS gave
/// up, and not those for China.
fn parse(algorithm: &str, spec: &str) -> Option<(WrappingAlgorithm, WrappingKeySpec)> {
    Some((
        WrappingAlgorithm::from_str(algorithm).ok()?,
        WrappingKeySpec::from_str(spec).ok()?,
    ))
}

#[cfg(test)]
mod tests {
    use meridian_proto::v1::{CreateKeyRequest, GetParametersForImportRequest};

    use super::wrapping_key_needed;
    use crate::fixture::{DAY_MS, START, TestRegion, refusal, wrapping_key};

    fn request(key: &str, algorithm: &str, spec: &str) -> GetParametersForImportRequest {
        GetParametersForImportRequest {
            key_id: Some(key.into()),
            wrapping_algorithm: Some(algorithm.into()),
            wrapping_key_spec: Some(spec.into()),
        }
    }

    #[test]
    fn the_parameters_are_good_for_a_day() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create_external(false);
        let answer = us
            .call(request(&key, "RSAES_OAEP_SHA_256", "RSA_2048"))
            .unwrap();
        assert_eq!(answer.key_id, Some(us.arn(&key)));
        assert_eq!(answer.public_key.unwrap(), wrapping_key().public_key_der());
        assert_eq!(
            answer.parameters_valid_to,
            Some(START.plus_ms(DAY_MS).to_proto())
        );
    }

    #[test]
    fn a_symmetric_key_takes_only_oaep() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create_external(false);
        for algorithm in ["RSAES_PKCS1_V1_5", "RSA_AES_KEY_WRAP_SHA_256", "SM2PKE"] {
            let request = request(&key, algorithm, "RSA_2048");
            assert_eq!(
                refusal(us.call(request)),
                format!(
                    "ValidationException: Wrapping algorithm {algorithm} and wrapping key spec \
                     RSA_2048 cannot be used to import a SYMMETRIC_DEFAULT key."
                )
            );
        }
        let needed = |algorithm| wrapping_key_needed(&request(&key, algorithm, "RSA_4096"));
        assert!(needed("RSAES_OAEP_SHA_1").is_some());
        assert_eq!(needed("SM2PKE"), None);
    }

    #[test]
    fn private_keys_are_wrapped_in_other_ways_than_raw_bytes() {
        let mut us = TestRegion::new("us-east-1");
        let (oaep, aes) = ("RSAES_OAEP_SHA_256", "RSA_AES_KEY_WRAP_SHA_256");
        for (spec, usage, with_oaep, with_aes) in [
            ("HMAC_256", "GENERATE_VERIFY_MAC", true, false),
            ("RSA_2048", "SIGN_VERIFY", false, true),
            ("ECC_NIST_P256", "SIGN_VERIFY", true, true),
            ("ECC_NIST_P521", "SIGN_VERIFY", false, true),
            ("ECC_NIST_EDWARDS25519", "SIGN_VERIFY", true, true),
        ] {
            let key = us.create_as(CreateKeyRequest {
                key_spec: Some(spec.into()),
                key_usage: Some(usage.into()),
                origin: Some("EXTERNAL".into()),
                ..Default::default()
            });
            for (algorithm, fits) in [(oaep, with_oaep), (aes, with_aes)] {
                let answer = us.call(request(&key, algorithm, "RSA_2048"));
                if fits {
                    assert!(answer.is_ok(), "{spec} in {algorithm}");
                } else {
                    assert_eq!(
                        refusal(answer),
                        format!(
                            "ValidationException: Wrapping algorithm {algorithm} and wrapping key \
                             spec RSA_2048 cannot be used to import a {spec} key."
                        )
                    );
                }
            }
        }
    }

    #[test]
    fn a_key_of_another_size_than_asked_for_is_not_used() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create_external(false);
        let answer = us.call(request(&key, "RSAES_OAEP_SHA_256", "RSA_4096"));
        assert_eq!(
            refusal(answer),
            "KMSInternalException",
            "the fixture brings one of 2048 bits"
        );
    }

    #[test]
    fn generated_material_is_not_imported() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create();
        let generated = format!(
            "UnsupportedOperationException: {} origin is AWS_KMS which is not valid for this \
             operation.",
            us.arn(&key)
        );
        let answer = us.call(request(&key, "RSAES_OAEP_SHA_256", "RSA_2048"));
        assert_eq!(refusal(answer), generated);
        assert_eq!(refusal(us.delete_material(&key, None)), generated);
        us.schedule_deletion(&key).unwrap();
        assert_eq!(
            refusal(us.delete_material(&key, None)),
            generated,
            "whatever its state"
        );
    }
}
