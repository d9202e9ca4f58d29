//! An import token that comes back with ImportKeyMaterial. What passes was made
//! here for this key, and is neither altered nor cut; anything else is answered
//! as an invalid or an expired token.

use std::cell::RefCell;

use bytes::Bytes;
use meridian_crypto::{WrappingAlgorithm, wrap};
use meridian_kms::{Chosen, ErrorCode, Plan, Request};
use meridian_proto::v1::{CreateKeyRequest, ImportKeyMaterialRequest};

use crate::fixture::{TestRegion, wrapping_key};

const KEY_ID: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";

/// A key without material, and material that is wrapped for it.
struct Import {
    us: TestRegion,
    wrapped: Bytes,
}

thread_local! {
    static IMPORT: RefCell<Import> = RefCell::new(Import::new());
}

impl Import {
    fn new() -> Import {
        let mut us = TestRegion::new("us-east-1");
        us.chosen = Some(Chosen {
            id: KEY_ID.parse().expect("a key ID"),
            material: None,
        });
        us.create_as(CreateKeyRequest {
            origin: Some("EXTERNAL".into()),
            ..Default::default()
        });
        let public = wrapping_key().public_key_der();
        let wrapped = wrap(&public, WrappingAlgorithm::RsaesOaepSha256, &[5; 32]);
        let wrapped = wrapped.expect("32 bytes fit").into();
        Import { us, wrapped }
    }

    fn passes(&mut self, token: &[u8]) -> bool {
        let request = Request::ImportKeyMaterial(ImportKeyMaterialRequest {
            key_id: Some(KEY_ID.into()),
            import_token: Some(token.to_vec().into()),
            encrypted_key_material: Some(self.wrapped.clone()),
            expiration_model: Some("KEY_MATERIAL_DOES_NOT_EXPIRE".into()),
            ..Default::default()
        });
        match self.us.plan(&request, None) {
            Ok(Plan::Commit(_)) => true,
            Ok(_) => panic!("an import is a write"),
            Err(error) => {
                let of_token = [
                    ErrorCode::InvalidImportTokenException,
                    ErrorCode::ExpiredImportTokenException,
                ];
                assert!(of_token.contains(&error.code), "{error}");
                false
            }
        }
    }
}

pub(crate) fn run(bytes: &[u8]) -> Option<()> {
    IMPORT.with_borrow_mut(|import| {
        if !import.passes(bytes) {
            return None;
        }
        let (last, cut) = bytes.split_last().expect("it passed");
        assert!(!import.passes(cut), "cut");
        assert!(!import.passes(&[cut, &[last ^ 1]].concat()), "altered");
        Some(())
    })
}

#[cfg(test)]
mod tests {
    use meridian_crypto::{ImportToken, SeededEntropy};

    use super::*;

    #[test]
    fn the_corpus_has_a_token_for_the_key_and_others() {
        let import = Import::new();
        let sealed = |arn: String, expires_at_ms: i64| {
            let algorithm = WrappingAlgorithm::RsaesOaepSha256;
            let token = ImportToken::new(&wrapping_key(), arn, algorithm, expires_at_ms);
            let entropy = &mut SeededEntropy::new(1);
            import.us.vault.seal_token(&token, entropy)
        };
        let (arn, soon) = (import.us.arn(KEY_ID), import.us.now.plus_ms(1).0);
        let other = arn.replace("1234abcd", "2234abcd");
        crate::corpus::holds(
            "import_token",
            &[
                ("for_the_key", sealed(arn.clone(), soon)),
                ("refused_other_key", sealed(other, soon)),
                ("refused_expired", sealed(arn, 0)),
            ],
        );
    }
}
