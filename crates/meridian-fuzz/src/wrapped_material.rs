//! Wrapped key material: one byte for the wrapping algorithm, then what
//! ImportKeyMaterial is sent. What unwraps is no longer than it was wrapped, can
//! be wrapped and unwrapped again, and does not unwrap once it is altered or
//! cut, or under another algorithm.
//!
//! What the unwrapped bytes are as a key is the question of `private_key`.

use std::sync::LazyLock;

use meridian_crypto::{ImportToken, WrappingAlgorithm, WrappingKey, wrap};

use crate::fixture::wrapping_key;

static KEY: LazyLock<WrappingKey> = LazyLock::new(wrapping_key);

/// A token for one algorithm, with the key's private half in it.
fn token(algorithm: WrappingAlgorithm) -> ImportToken {
    ImportToken::new(&KEY, "arn", algorithm, i64::MAX)
}

pub(crate) fn run(bytes: &[u8]) -> Option<()> {
    let (algorithm, wrapped) = bytes.split_first()?;
    let algorithm = *WrappingAlgorithm::ALL.get(usize::from(*algorithm))?;
    let token = token(algorithm);
    let material = token.unwrap(wrapped)?;
    assert!(material.len() < wrapped.len());
    let (last, cut) = wrapped.split_last()?;
    assert!(token.unwrap(cut).is_none(), "cut");
    assert!(
        token.unwrap(&[cut, &[last ^ 1]].concat()).is_none(),
        "altered"
    );
    for other in WrappingAlgorithm::ALL {
        let unwrapped = self::token(other).unwrap(wrapped);
        assert_eq!(unwrapped.is_some(), other == algorithm, "under {other}");
    }
    let again = wrap(&KEY.public_key_der(), algorithm, &material);
    let again = again.expect("what was wrapped once fits again");
    assert!(token.unwrap(&again).expect("just wrapped") == material);
    Some(())
}

#[cfg(test)]
mod tests {
    use meridian_crypto::{KeySpec, Material, SeededEntropy};

    use super::*;

    #[test]
    fn the_corpus_has_material_of_every_kind_under_every_algorithm() {
        let wrapped = |at: usize, material: &[u8]| {
            let algorithm = WrappingAlgorithm::ALL[at];
            let wrapped = wrap(&KEY.public_key_der(), algorithm, material).unwrap();
            [&[u8::try_from(at).unwrap()], &wrapped[..]].concat()
        };
        let curve = Material::generate_for(KeySpec::EccNistP256, &mut SeededEntropy::new(1));
        let rsa = KEY.to_private_der();
        crate::corpus::holds(
            "wrapped_material",
            &[
                ("symmetric_oaep_sha_1", wrapped(0, &[5; 32])),
                ("symmetric_oaep_sha_256", wrapped(1, &[5; 32])),
                ("hmac_oaep_sha_256", wrapped(1, &[5; 64])),
                ("curve_aes_sha_1", wrapped(2, &curve.to_pkcs8().unwrap())),
                ("rsa_aes_sha_256", wrapped(3, &rsa)),
            ],
        );
    }
}
