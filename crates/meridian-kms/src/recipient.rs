//! Recipient: a Nitro enclave that proves itself by an attestation document, and
//! for which alone the answer is encrypted.

use bytes::Bytes;
use meridian_crypto::{Attested, Entropy};
use meridian_proto::v1::RecipientInfo;

use crate::context::Context;
use crate::cryptography::internal;
use crate::error::KmsError;

/// Who may read the plaintext of an answer.
pub(crate) struct Recipient(Option<Attested>);

/// A plaintext for whoever may read it.
pub(crate) struct Answer {
    pub plaintext: Option<Bytes>,
    pub ciphertext_for_recipient: Option<Bytes>,
}

/// Checks the attestation document of a request, if it has one, for a caller
/// who has been let at the key.
// fidelity: assumed, AWS's answer to an attestation document that it does not accept
// is not recorded, nor how old one may be: here a document lives as long as its
// certificates. Without a test root (`--attestation-root`) every document is refused,
// because nobody outside of AWS can make one that leads back to AWS's root. Policies do
// not see what a document attests.
pub(crate) fn check(
    cx: &Context<'_>,
    recipient: &Option<RecipientInfo>,
) -> Result<Recipient, KmsError> {
    let Some(info) = recipient else {
        return Ok(Recipient(None));
    };
    let (Some(document), Some(_)) = (&info.attestation_document, &info.key_encryption_algorithm)
    else {
        return Err(KmsError::validation(
            "Recipient needs KeyEncryptionAlgorithm and AttestationDocument.",
        ));
    };
    let Some(root) = cx.attestation_root else {
        return Err(KmsError::unsupported(
            "Attestation documents are not supported: no root certificate is configured.",
        ));
    };
    let attested = Attested::verify(document, root, cx.now.0);
    let attested = attested.map_err(|error| KmsError::validation(error.to_string()))?;
    Ok(Recipient(Some(attested)))
}

impl Recipient {
    /// True when an enclave asks, which is not told the material.
    pub(crate) fn is_enclave(&self) -> bool {
        self.0.is_some()
    }

    /// The plaintext as the answer has it.
    pub(crate) fn answer(
        &self,
        plaintext: &[u8],
        entropy: &mut dyn Entropy,
    ) -> Result<Answer, KmsError> {
        let Some(attested) = &self.0 else {
            return Ok(Answer {
                plaintext: Some(Bytes::copy_from_slice(plaintext)),
                ciphertext_for_recipient: None,
            });
        };
        let sealed = attested.seal(plaintext, entropy).ok_or_else(internal)?;
        Ok(Answer {
            plaintext: None,
            ciphertext_for_recipient: Some(sealed.into()),
        })
    }
}

#[cfg(test)]
mod tests {
    use meridian_crypto::AttestationRoot;
    use meridian_proto::v1::*;

    use crate::fixture::{TestRegion, refusal};

    const ROOT: &str = include_str!("../../meridian-crypto/tests/golden/attestation_root.pem");
    const DOCUMENT: &str =
        include_str!("../../meridian-crypto/tests/golden/attestation_document.hex");

    /// An enclave with the golden document.
    fn enclave() -> Option<RecipientInfo> {
        let digits: String = DOCUMENT.split_whitespace().collect();
        Some(RecipientInfo {
            key_encryption_algorithm: Some("RSAES_OAEP_SHA_256".into()),
            attestation_document: Some(hex::decode(digits).unwrap().into()),
        })
    }

    fn random(recipient: Option<RecipientInfo>) -> GenerateRandomRequest {
        GenerateRandomRequest {
            number_of_bytes: Some(32),
            recipient,
            ..Default::default()
        }
    }

    #[test]
    fn an_enclave_gets_every_plaintext_encrypted_and_no_material() {
        let mut us = TestRegion::new("us-east-1");
        us.attestation_root = Some(AttestationRoot::from_pem(ROOT).unwrap());
        let key = us.create();
        let made = us
            .call(GenerateDataKeyRequest {
                key_id: Some(key.clone()),
                key_spec: Some("AES_256".into()),
                recipient: enclave(),
                ..Default::default()
            })
            .unwrap();
        assert_eq!((made.plaintext, made.key_material_id), (None, None));
        assert!(made.ciphertext_for_recipient.is_some());
        let opened = us
            .call(DecryptRequest {
                ciphertext_blob: made.ciphertext_blob,
                recipient: enclave(),
                ..Default::default()
            })
            .unwrap();
        assert_eq!((opened.plaintext, opened.key_material_id), (None, None));
        assert!(opened.ciphertext_for_recipient.is_some());
        let pair = us
            .call(GenerateDataKeyPairRequest {
                key_id: Some(key),
                key_pair_spec: Some("ECC_NIST_P256".into()),
                recipient: enclave(),
                ..Default::default()
            })
            .unwrap();
        assert_eq!(pair.private_key_plaintext, None);
        assert!(pair.ciphertext_for_recipient.is_some() && pair.public_key.is_some());
        let random = us.call(random(enclave())).unwrap();
        assert_eq!(random.plaintext, None);
        assert!(random.ciphertext_for_recipient.is_some());
    }

    #[test]
    fn a_document_is_looked_at_once_the_caller_may_use_the_key() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create();
        let blob = us.encrypt(&key, "hello").unwrap();
        let recipient = || {
            Some(RecipientInfo {
                attestation_document: Some("no document".into()),
                ..enclave().unwrap()
            })
        };
        us.attestation_root = Some(AttestationRoot::from_pem(ROOT).unwrap());
        let mut answers = |key: &str| {
            let data_key = GenerateDataKeyRequest {
                key_id: Some(key.into()),
                key_spec: Some("AES_256".into()),
                recipient: recipient(),
                ..Default::default()
            };
            let pair = GenerateDataKeyPairRequest {
                key_id: Some(key.into()),
                key_pair_spec: Some("ECC_NIST_P256".into()),
                recipient: recipient(),
                ..Default::default()
            };
            let decrypt = DecryptRequest {
                key_id: Some(key.into()),
                ciphertext_blob: Some(blob.clone().into()),
                recipient: recipient(),
                ..Default::default()
            };
            let secret = DeriveSharedSecretRequest {
                key_id: Some(key.into()),
                recipient: recipient(),
                ..Default::default()
            };
            [
                refusal(us.call(data_key)),
                refusal(us.call(pair)),
                refusal(us.call(decrypt)),
                refusal(us.call(secret)),
            ]
        };
        let refused = "ValidationException: not an attestation document";
        assert_eq!(answers(&key)[..3], [refused; 3]);
        let foreign = "arn:aws:kms:us-east-1:999999999999:key/1234abcd-12ab-34cd-56ef-1234567890ab";
        for answer in answers(foreign) {
            assert!(answer.starts_with("AccessDeniedException"), "{answer}");
        }
        for answer in answers("1234abcd-12ab-34cd-56ef-1234567890ab") {
            assert!(answer.starts_with("NotFoundException"), "{answer}");
        }
    }

    #[test]
    fn a_document_that_proves_nothing_is_refused() {
        let mut us = TestRegion::new("us-east-1");
        let without_root = refusal(us.call(random(enclave())));
        assert!(without_root.starts_with("UnsupportedOperationException"));
        us.attestation_root = Some(AttestationRoot::from_pem(ROOT).unwrap());
        let mut altered = enclave();
        altered.as_mut().unwrap().attestation_document = Some("no document".into());
        assert_eq!(
            refusal(us.call(random(altered))),
            "ValidationException: not an attestation document"
        );
    }
}
