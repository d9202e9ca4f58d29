//! A ciphertext that comes back: one byte for what the caller asks with it, and
//! the blob. Nobody without the keys can make one that opens, so what opens is
//! what the corpus was made of, and neither altered nor cut.
//!
//! | byte | call |
//! |---|---|
//! | 0 | Decrypt that names no key: symmetric, or encrypted twice for a proxy |
//! | 1, 2 | Decrypt under an RSA key, OAEP with SHA-1 or SHA-256 |
//! | 3 | Decapsulate: every blob of the right length has a secret (FIPS 203) |

use std::cell::RefCell;

use meridian_crypto::{KeySpec, Material};
use meridian_kms::{Chosen, Inquiry, KmsError, Plan, Request, Response};
use meridian_proto::v1::{CreateKeyRequest, DecapsulateRequest, DecryptRequest};

use crate::fixture::{TestRegion, wrapping_key};

const PLAINTEXT: &[u8] = b"hello";
const SYMMETRIC: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";
const RSA: &str = "2234abcd-12ab-34cd-56ef-1234567890ab";
const ML_KEM: &str = "3234abcd-12ab-34cd-56ef-1234567890ab";

thread_local! {
    static REGION: RefCell<TestRegion> = RefCell::new(region());
}

/// Keys with IDs and bytes that are always the same, and one of a proxy.
fn region() -> TestRegion {
    let mut us = TestRegion::new("us-east-1");
    us.create_external_key().expect("a key of a proxy");
    let pkcs8 = wrapping_key().to_private_der();
    for (id, spec, usage, bytes) in [
        (
            SYMMETRIC,
            KeySpec::SymmetricDefault,
            "ENCRYPT_DECRYPT",
            &[5; 32][..],
        ),
        (RSA, KeySpec::Rsa2048, "ENCRYPT_DECRYPT", &pkcs8),
        (
            ML_KEM,
            KeySpec::MlKem512,
            "ENCAPSULATE_DECAPSULATE",
            &[5; 64],
        ),
    ] {
        us.chosen = Some(Chosen {
            id: id.parse().expect("a key ID"),
            material: Material::read(spec, bytes),
        });
        us.create_as(CreateKeyRequest {
            key_spec: Some(spec.name().into()),
            key_usage: Some(usage.into()),
            ..Default::default()
        });
    }
    us
}

pub(crate) fn run(bytes: &[u8]) -> Option<()> {
    let (way, blob) = bytes.split_first()?;
    REGION.with_borrow_mut(|us| {
        let opened = opened(us, *way, blob)?;
        if *way == 3 {
            assert_eq!(opened.len(), 32, "a shared secret");
            return Some(());
        }
        assert_eq!(opened, PLAINTEXT, "somebody else made it");
        let (last, cut) = blob.split_last().expect("it opened");
        assert!(self::opened(us, *way, cut).is_none(), "cut");
        let altered = [cut, &[last ^ 1]].concat();
        assert!(self::opened(us, *way, &altered).is_none(), "altered");
        Some(())
    })
}

fn opened(us: &mut TestRegion, way: u8, blob: &[u8]) -> Option<Vec<u8>> {
    let decrypt = |key_id: &str, algorithm: &str| {
        Request::Decrypt(DecryptRequest {
            ciphertext_blob: Some(blob.to_vec().into()),
            key_id: Some(key_id.into()),
            encryption_algorithm: Some(algorithm.into()),
            ..Default::default()
        })
    };
    let request = match way {
        0 => Request::Decrypt(DecryptRequest {
            ciphertext_blob: Some(blob.to_vec().into()),
            ..Default::default()
        }),
        1 => decrypt(RSA, "RSAES_OAEP_SHA_1"),
        2 => decrypt(RSA, "RSAES_OAEP_SHA_256"),
        3 => Request::Decapsulate(DecapsulateRequest {
            key_id: Some(ML_KEM.into()),
            shared_secret_ciphertext_blob: Some(blob.to_vec().into()),
            encapsulation_algorithm: Some("ML_KEM".into()),
            ..Default::default()
        }),
        _ => return None,
    };
    match planned(us, &request) {
        Ok(Plan::Reply(Response::Decrypt(answer))) => Some(answer.plaintext?.to_vec()),
        Ok(Plan::Reply(Response::Decapsulate(answer))) => Some(answer.shared_secret?.to_vec()),
        Ok(_) => panic!("answered as something else"),
        Err(_) => None,
    }
}

fn planned(us: &mut TestRegion, request: &Request) -> Result<Plan, KmsError> {
    match us.plan(request, None)? {
        Plan::Ask(Inquiry::Proxy(question)) => us.plan_asking(request, *question),
        planned => Ok(planned),
    }
}

#[cfg(test)]
mod tests {
    use meridian_proto::v1::{EncapsulateRequest, EncryptRequest, ListKeysRequest};

    use super::*;

    #[test]
    fn the_corpus_has_a_ciphertext_of_every_kind() {
        let mut us = region();
        let listed = us.call(ListKeysRequest::default()).unwrap().keys;
        let ids = listed.into_iter().filter_map(|entry| entry.key_id);
        let proxied = ids
            .into_iter()
            .find(|id| ![SYMMETRIC, RSA, ML_KEM].contains(&id.as_str()));
        let mut encrypted = |way: u8, key_id: &str, algorithm: Option<&str>| {
            let answer = us.call(EncryptRequest {
                key_id: Some(key_id.into()),
                plaintext: Some(PLAINTEXT.into()),
                encryption_algorithm: algorithm.map(Into::into),
                ..Default::default()
            });
            [&[way], &answer.unwrap().ciphertext_blob.unwrap()[..]].concat()
        };
        let mut inputs = vec![
            ("symmetric", encrypted(0, SYMMETRIC, None)),
            ("proxied", encrypted(0, &proxied.unwrap(), None)),
            ("oaep_sha_1", encrypted(1, RSA, Some("RSAES_OAEP_SHA_1"))),
            (
                "oaep_sha_256",
                encrypted(2, RSA, Some("RSAES_OAEP_SHA_256")),
            ),
        ];
        let encapsulated = us.call(EncapsulateRequest {
            key_id: Some(ML_KEM.into()),
            encapsulation_algorithm: Some("ML_KEM".into()),
            ..Default::default()
        });
        let blob = encapsulated.unwrap().shared_secret_ciphertext_blob.unwrap();
        inputs.push(("ml_kem", [&[3], &blob[..]].concat()));
        crate::corpus::holds("ciphertext", &inputs);
    }
}
