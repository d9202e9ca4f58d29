//! GenerateDataKey: random bytes, in the clear and encrypted under the key.

use std::collections::BTreeMap;

use meridian_crypto::{CiphertextKind, MaterialId};
use meridian_proto::v1::{GenerateDataKeyRequest, GenerateDataKeyResponse};
use zeroize::Zeroizing;

use crate::context::Context;
use crate::cryptography;
use crate::error::KmsError;
use crate::key::Key;
use crate::key_store::{Halt, external};
use crate::metadata::shown_material;
use crate::ops::Operation;
use crate::region::Region;
use crate::{recipient, suitability};

/// Generates here and now.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &GenerateDataKeyRequest,
) -> Result<GenerateDataKeyResponse, Halt> {
    let length = length(&request.key_spec, request.number_of_bytes)?;
    let operation = Operation::GenerateDataKey;
    let key = region.admit_use(cx, operation, &request.key_id)?;
    suitability::check_symmetric(key)?;
    let recipient = recipient::check(cx, &request.recipient)?;
    cryptography::stop_dry_run(request.dry_run)?;
    let made = generate(
        region,
        cx,
        operation,
        key,
        &request.encryption_context,
        length,
    )?;
    let answer = recipient.answer(&made.plaintext, cx.entropy)?;
    let shown = shown_material(key, &made.material);
    Ok(GenerateDataKeyResponse {
        ciphertext_blob: Some(made.ciphertext.into()),
        plaintext: answer.plaintext,
        key_id: cryptography::arn(&key.key, region.name()),
        ciphertext_for_recipient: answer.ciphertext_for_recipient,
        key_material_id: shown.filter(|_| !recipient.is_enclave()),
    })
}

/// A data key and its encrypted copy.
pub(crate) struct DataKey {
    pub plaintext: Zeroizing<Vec<u8>>,
    pub ciphertext: Vec<u8>,
    pub material: MaterialId,
}

pub(crate) fn generate(
    region: &Region,
    cx: &mut Context<'_>,
    operation: Operation,
    key: &Key,
    context: &BTreeMap<String, String>,
    length: usize,
) -> Result<DataKey, Halt> {
    let mut plaintext = Zeroizing::new(vec![0; length]);
    match external::encrypted_before(region, cx, operation, key, context)? {
        Some(inner) => plaintext = cryptography::reopen(cx.vault, key, &inner, context)?,
        None => cx.entropy.fill(&mut plaintext),
    }
    let kind = CiphertextKind::DataKey;
    let (ciphertext, material) =
        external::encrypt(region, cx, operation, key, kind, context, &plaintext)?;
    Ok(DataKey {
        plaintext,
        ciphertext,
        material,
    })
}

/// How long the data key is: exactly one of the two parameters says it.
pub(crate) fn length(spec: &Option<String>, bytes: Option<i32>) -> Result<usize, KmsError> {
    let neither_or_both =
        || KmsError::validation("Please specify either number of bytes or key spec.");
    match (spec.as_deref(), bytes) {
        (Some("AES_256"), None) => Ok(32),
        (Some("AES_128"), None) => Ok(16),
        (None, Some(bytes)) => usize::try_from(bytes).map_err(|_| neither_or_both()),
        _ => Err(neither_or_both()),
    }
}

#[cfg(test)]
mod tests {
    use meridian_proto::v1::{
        DecryptRequest, GenerateDataKeyRequest, GenerateDataKeyWithoutPlaintextRequest,
    };

    use crate::fixture::{TestRegion, refusal};

    const ONE_OF_TWO: &str =
        "ValidationException: Please specify either number of bytes or key spec.";

    fn request(key: &str, spec: Option<&str>, bytes: Option<i32>) -> GenerateDataKeyRequest {
        GenerateDataKeyRequest {
            key_id: Some(key.into()),
            key_spec: spec.map(Into::into),
            number_of_bytes: bytes,
            ..Default::default()
        }
    }

    #[test]
    fn the_two_copies_of_a_data_key_are_the_same() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create();
        for (spec, bytes, length) in [
            (Some("AES_256"), None, 32),
            (Some("AES_128"), None, 16),
            (None, Some(1024), 1024),
        ] {
            let made = us.call(request(&key, spec, bytes)).unwrap();
            let plaintext = made.plaintext.unwrap();
            assert_eq!(plaintext.len(), length);
            assert_eq!(made.key_id, Some(us.arn(&key)));
            assert_eq!(
                made.key_material_id,
                us.describe(&key).current_key_material_id
            );
            let opened = us
                .call(DecryptRequest {
                    ciphertext_blob: made.ciphertext_blob,
                    ..Default::default()
                })
                .unwrap();
            assert_eq!(opened.plaintext.unwrap(), plaintext);
        }
    }

    #[test]
    fn exactly_one_parameter_says_how_long_it_is() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create();
        assert_eq!(refusal(us.call(request(&key, None, None))), ONE_OF_TWO);
        assert_eq!(
            refusal(us.call(request(&key, Some("AES_256"), Some(32)))),
            ONE_OF_TWO
        );
    }

    #[test]
    fn without_plaintext_only_decrypt_shows_it() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create();
        let request = GenerateDataKeyWithoutPlaintextRequest {
            key_id: Some(key.clone()),
            key_spec: Some("AES_256".into()),
            ..Default::default()
        };
        let made = us.call(request.clone()).unwrap();
        assert_eq!(made.key_id, Some(us.arn(&key)));
        assert_eq!(
            made.key_material_id,
            us.describe(&key).current_key_material_id
        );
        let opened = DecryptRequest {
            ciphertext_blob: made.ciphertext_blob,
            ..Default::default()
        };
        assert_eq!(us.call(opened).unwrap().plaintext.unwrap().len(), 32);
        let neither = GenerateDataKeyWithoutPlaintextRequest {
            key_spec: None,
            ..request.clone()
        };
        assert_eq!(refusal(us.call(neither)), ONE_OF_TWO);
        let dry = GenerateDataKeyWithoutPlaintextRequest {
            dry_run: Some(true),
            ..request
        };
        assert!(refusal(us.call(dry)).starts_with("DryRunOperationException"));
    }

    #[test]
    fn a_key_that_is_not_usable_makes_no_data_key() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create_external(false);
        assert_eq!(
            refusal(us.call(request(&key, Some("AES_256"), None))),
            format!(
                "KMSInvalidStateException: {} is pending import.",
                us.arn(&key)
            )
        );
    }
}
