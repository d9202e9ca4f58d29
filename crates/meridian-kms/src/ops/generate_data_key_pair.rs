//! GenerateDataKeyPair: a key pair for use outside, its private half in the
//! clear and encrypted under a symmetric key.

use std::collections::BTreeMap;

use meridian_crypto::{CiphertextKind, KeySpec, Material, MaterialId};
use meridian_proto::v1::{GenerateDataKeyPairRequest, GenerateDataKeyPairResponse};
use zeroize::Zeroizing;

use crate::admission::required;
use crate::context::Context;
use crate::cryptography::{self, internal};
use crate::error::KmsError;
use crate::key::Key;
use crate::ops::Operation;
use crate::region::Region;
use crate::{recipient, suitability};

/// Generates here and now: for RSA that takes a tenth of a second to several
/// seconds.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &GenerateDataKeyPairRequest,
) -> Result<GenerateDataKeyPairResponse, KmsError> {
    let operation = Operation::GenerateDataKeyPair;
    let key = region.admit_use(cx, operation, &request.key_id)?;
    suitability::check_symmetric(key)?;
    let spec = pair_spec(required(&request.key_pair_spec)?)?;
    let recipient = recipient::check(cx, &request.recipient)?;
    cryptography::stop_dry_run(request.dry_run)?;
    let made = generate(cx, key, &request.encryption_context, spec)?;
    let answer = recipient.answer(&made.private, cx.entropy)?;
    Ok(GenerateDataKeyPairResponse {
        private_key_ciphertext_blob: Some(made.ciphertext.into()),
        private_key_plaintext: answer.plaintext,
        public_key: Some(made.public.into()),
        key_id: cryptography::arn(&key.key, region.name()),
        key_pair_spec: Some(spec.name().into()),
        ciphertext_for_recipient: answer.ciphertext_for_recipient,
        key_material_id: (!recipient.is_enclave()).then(|| made.material.to_string()),
    })
}

/// The spec of the pair: SM2 exists in China only.
// fidelity: assumed, AWS's text is not recorded.
pub(crate) fn pair_spec(name: &str) -> Result<KeySpec, KmsError> {
    let spec = KeySpec::from_name(name).filter(|spec| spec.is_asymmetric());
    spec.ok_or_else(|| {
        KmsError::unsupported(format!(
            "KeyPairSpec {name} is not supported in this Region."
        ))
    })
}

/// A key pair and its encrypted copy.
pub(crate) struct DataKeyPair {
    pub private: Zeroizing<Vec<u8>>,
    pub public: Vec<u8>,
    pub ciphertext: Vec<u8>,
    pub material: MaterialId,
}

pub(crate) fn generate(
    cx: &mut Context<'_>,
    key: &Key,
    context: &BTreeMap<String, String>,
    spec: KeySpec,
) -> Result<DataKeyPair, KmsError> {
    let pair = Material::generate_for(spec, cx.entropy);
    let private = pair.to_pkcs8().ok_or_else(internal)?;
    let public = pair.public_key_der().ok_or_else(internal)?.to_vec();
    let kind = CiphertextKind::DataKey;
    let (ciphertext, material) = cryptography::encrypt(cx, key, kind, context, &private)?;
    Ok(DataKeyPair {
        private,
        public,
        ciphertext,
        material,
    })
}

#[cfg(test)]
mod tests {
    use meridian_proto::v1::{
        CreateKeyRequest, GenerateDataKeyPairRequest, GenerateDataKeyPairWithoutPlaintextRequest,
    };

    use crate::fixture::{TestRegion, refusal};

    fn request(key: &str, spec: &str) -> GenerateDataKeyPairRequest {
        GenerateDataKeyPairRequest {
            key_id: Some(key.into()),
            key_pair_spec: Some(spec.into()),
            ..Default::default()
        }
    }

    #[test]
    fn the_private_key_decrypts_to_what_was_shown() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create();
        for spec in [
            "RSA_2048",
            "ECC_NIST_P256",
            "ECC_NIST_P384",
            "ECC_NIST_P521",
            "ECC_SECG_P256K1",
            "ECC_NIST_EDWARDS25519",
            "ML_KEM_512",
            "ML_KEM_768",
            "ML_KEM_1024",
        ] {
            let answer = us.call(request(&key, spec)).unwrap();
            assert_eq!(answer.key_pair_spec.as_deref(), Some(spec));
            assert_eq!(answer.key_id, Some(us.arn(&key)));
            assert_eq!(
                answer.key_material_id,
                us.describe(&key).current_key_material_id
            );
            assert!(!answer.public_key.unwrap().is_empty());
            let blob = answer.private_key_ciphertext_blob.unwrap();
            let request = meridian_proto::v1::DecryptRequest {
                ciphertext_blob: Some(blob),
                ..Default::default()
            };
            let decrypted = us.call(request).unwrap();
            assert_eq!(decrypted.plaintext, answer.private_key_plaintext, "{spec}");
        }
    }

    #[test]
    fn an_ml_kem_private_key_is_in_seed_form() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create();
        let answer = us.call(request(&key, "ML_KEM_768")).unwrap();
        let private = answer.private_key_plaintext.unwrap();
        assert_eq!(private.len(), 86);
        assert_eq!(private[18..22], [0x04, 66, 0x80, 64]);
    }

    #[test]
    fn without_plaintext_only_decrypt_shows_the_private_key() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create();
        let request = GenerateDataKeyPairWithoutPlaintextRequest {
            key_id: Some(key.clone()),
            key_pair_spec: Some("ECC_NIST_P256".into()),
            ..Default::default()
        };
        let answer = us.call(request).unwrap();
        assert_eq!(answer.key_pair_spec.as_deref(), Some("ECC_NIST_P256"));
        assert_eq!(answer.public_key.unwrap().len(), 91);
        let request = meridian_proto::v1::DecryptRequest {
            ciphertext_blob: answer.private_key_ciphertext_blob,
            ..Default::default()
        };
        assert_eq!(us.call(request).unwrap().plaintext.unwrap()[0], 0x30);
    }

    #[test]
    fn another_kind_of_key_and_sm2_are_refused() {
        let mut us = TestRegion::new("us-east-1");
        let rsa = us.create_as(CreateKeyRequest {
            key_spec: Some("RSA_2048".into()),
            key_usage: Some("ENCRYPT_DECRYPT".into()),
            ..Default::default()
        });
        assert_eq!(
            refusal(us.call(request(&rsa, "ECC_NIST_P256"))),
            "InvalidKeyUsageException: Algorithm SYMMETRIC_DEFAULT is incompatible with key spec \
             RSA_2048."
        );
        let key = us.create();
        assert_eq!(
            refusal(us.call(request(&key, "SM2"))),
            "UnsupportedOperationException: KeyPairSpec SM2 is not supported in this Region."
        );
        let dry = GenerateDataKeyPairRequest {
            dry_run: Some(true),
            ..request(&key, "RSA_4096")
        };
        assert!(refusal(us.call(dry)).starts_with("DryRunOperationException"));
    }
}
