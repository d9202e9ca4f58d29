//! ReEncrypt: decrypts under one key and encrypts under another, or under the
//! same key's current material, without showing the plaintext.

use meridian_crypto::{CiphertextKind, KeySpec};
use meridian_proto::v1::{ReEncryptRequest, ReEncryptResponse};

use crate::admission::{Naming, required};
use crate::context::Context;
use crate::cryptography::{self, SYMMETRIC_DEFAULT, Source};
use crate::error::KmsError;
use crate::key_store::{Halt, external};
use crate::metadata::shown_material;
use crate::ops::Operation;
use crate::region::Region;
use crate::{asymmetric, suitability};

/// Decrypts and encrypts here and now. Both keys have to be there; then the
/// source is checked first.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &ReEncryptRequest,
) -> Result<ReEncryptResponse, Halt> {
    let operation = Operation::ReEncrypt;
    let (to, to_key_id) = ("kms:ReEncryptTo", &request.destination_key_id);
    region.find_visible(cx, to, required(to_key_id)?, Naming::KeyOrAlias)?;
    let ignores = cryptography::ignores_ciphertext(request.dry_run, &request.dry_run_modifiers);
    let decrypted = if ignores {
        let action = "kms:ReEncryptFrom";
        let key = region.admit_use_as(cx, operation, action, &request.source_key_id)?;
        let algorithm = request.source_encryption_algorithm.as_deref();
        suitability::check_algorithm(key, algorithm.unwrap_or(SYMMETRIC_DEFAULT))?;
        None
    } else {
        let Some(blob) = &request.ciphertext_blob else {
            return Err(KmsError::validation("CiphertextBlob must not be null").into());
        };
        let source = Source {
            operation,
            blob,
            key_id: request.source_key_id.as_deref(),
            algorithm: &request.source_encryption_algorithm,
            context: &request.source_encryption_context,
        };
        Some(cryptography::decrypt(region, cx, &source)?)
    };
    let destination = region.admit_use_as(cx, operation, to, to_key_id)?;
    let algorithm = &request.destination_encryption_algorithm;
    let context = &request.destination_encryption_context;
    let rsa = if destination.shared.spec == KeySpec::SymmetricDefault {
        let algorithm = algorithm.as_deref().unwrap_or(SYMMETRIC_DEFAULT);
        suitability::check_algorithm(destination, algorithm)?;
        None
    } else {
        let encryption = asymmetric::prepare_encryption(cx, destination, algorithm, context)?;
        if let Some(decrypted) = &decrypted {
            encryption.check_length(destination.shared.spec, &decrypted.plaintext)?;
        }
        Some(encryption)
    };
    cryptography::stop_dry_run(request.dry_run)?;
    let Some(decrypted) = decrypted else {
        return Err(KmsError::validation("CiphertextBlob must not be null").into());
    };
    let (blob, material, algorithm) = match rsa {
        Some(encryption) => {
            let blob = encryption.carry_out(&decrypted.plaintext)?;
            (blob, None, encryption.algorithm())
        }
        None => {
            let kind = CiphertextKind::Encrypt;
            let plaintext = &decrypted.plaintext;
            let (blob, material) =
                external::encrypt(region, cx, operation, destination, kind, context, plaintext)?;
            (blob, Some(material), SYMMETRIC_DEFAULT)
        }
    };
    Ok(ReEncryptResponse {
        ciphertext_blob: Some(blob.into()),
        source_key_id: cryptography::arn(&decrypted.key, region.name()),
        key_id: cryptography::arn(&destination.key, region.name()),
        source_encryption_algorithm: Some(decrypted.algorithm.into()),
        destination_encryption_algorithm: Some(algorithm.into()),
        source_key_material_id: decrypted.material.map(|material| material.to_string()),
        destination_key_material_id: material
            .and_then(|material| shown_material(destination, &material)),
    })
}

#[cfg(test)]
mod tests {
    use meridian_proto::v1::ReEncryptRequest;

    use crate::fixture::{TestRegion, refusal};

    #[test]
    fn a_ciphertext_moves_to_another_key_and_both_are_named() {
        let mut us = TestRegion::new("us-east-1");
        let (from, to) = (us.create(), us.create());
        let blob = us.encrypt(&from, "hello").unwrap();
        let answer = us
            .call(ReEncryptRequest {
                ciphertext_blob: Some(blob.into()),
                destination_key_id: Some(to.clone()),
                ..Default::default()
            })
            .unwrap();
        assert_eq!(answer.source_key_id, Some(us.arn(&from)));
        assert_eq!(answer.key_id, Some(us.arn(&to)));
        assert_eq!(
            answer.source_key_material_id,
            us.describe(&from).current_key_material_id
        );
        assert_eq!(
            answer.destination_key_material_id,
            us.describe(&to).current_key_material_id
        );
        assert_eq!(
            answer.source_encryption_algorithm.as_deref(),
            Some("SYMMETRIC_DEFAULT")
        );
        assert_eq!(
            answer.destination_encryption_algorithm.as_deref(),
            Some("SYMMETRIC_DEFAULT")
        );
        us.disable(&from).unwrap();
        assert_eq!(
            us.decrypt(&answer.ciphertext_blob.unwrap()).unwrap(),
            "hello"
        );
    }

    #[test]
    fn the_same_key_moves_a_ciphertext_to_its_current_material() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create();
        let old = us.encrypt(&key, "hello").unwrap();
        us.rotate(&key).unwrap();
        let request = ReEncryptRequest {
            ciphertext_blob: Some(old.into()),
            destination_key_id: Some(key.clone()),
            ..Default::default()
        };
        let answer = us.call(request).unwrap();
        assert_ne!(
            answer.source_key_material_id,
            answer.destination_key_material_id
        );
        assert_eq!(
            answer.destination_key_material_id,
            us.describe(&key).current_key_material_id
        );
    }

    #[test]
    fn the_source_is_checked_first() {
        let mut us = TestRegion::new("us-east-1");
        let (from, to) = (us.create(), us.create());
        let blob = us.encrypt(&from, "hello").unwrap();
        let request = ReEncryptRequest {
            ciphertext_blob: Some(blob.into()),
            destination_key_id: Some(to.clone()),
            ..Default::default()
        };
        us.disable(&to).unwrap();
        let disabled =
            |us: &TestRegion, key: &str| format!("DisabledException: {} is disabled.", us.arn(key));
        assert_eq!(refusal(us.call(request.clone())), disabled(&us, &to));
        us.disable(&from).unwrap();
        assert_eq!(refusal(us.call(request.clone())), disabled(&us, &from));
        let unfit = ReEncryptRequest {
            source_encryption_algorithm: Some("RSAES_OAEP_SHA_1".into()),
            ..request.clone()
        };
        assert_eq!(
            refusal(us.call(unfit)),
            "ValidationException: KeyId must not be null"
        );
        let other = ReEncryptRequest {
            source_key_id: Some(to),
            ..request
        };
        assert!(refusal(us.call(other)).starts_with("IncorrectKeyException"));
    }

    #[test]
    fn a_destination_that_does_not_exist_is_told_before_anything_of_the_source() {
        let mut us = TestRegion::new("us-east-1");
        let request = ReEncryptRequest {
            ciphertext_blob: Some(b"no ciphertext".as_slice().into()),
            destination_key_id: Some("alias/nobody".into()),
            ..Default::default()
        };
        assert_eq!(
            refusal(us.call(request)),
            "NotFoundException: Alias arn:aws:kms:us-east-1:111122223333:alias/nobody is not found."
        );
    }

    #[test]
    fn a_dry_run_never_re_encrypts() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create();
        let blob = us.encrypt(&key, "hello").unwrap();
        let request = ReEncryptRequest {
            ciphertext_blob: Some(blob.into()),
            destination_key_id: Some(key.clone()),
            dry_run: Some(true),
            ..Default::default()
        };
        assert!(refusal(us.call(request)).starts_with("DryRunOperationException"));
        let ignoring = ReEncryptRequest {
            source_key_id: Some(key.clone()),
            destination_key_id: Some(key),
            dry_run: Some(true),
            dry_run_modifiers: vec!["IGNORE_CIPHERTEXT".into()],
            ..Default::default()
        };
        assert!(refusal(us.call(ignoring)).starts_with("DryRunOperationException"));
    }
}
