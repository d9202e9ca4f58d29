//! Wrapping keys against themselves and against OpenSSL.

use super::*;

/// A key pair that OpenSSL made: generating one takes time, and this one
/// must stay readable.
pub(crate) fn key() -> WrappingKey {
    let der = golden(include_str!("../../tests/golden/wrapping_key_rsa_2048.hex"));
    WrappingKey::from_private_der(&der).unwrap()
}

fn golden(text: &str) -> Vec<u8> {
    hex::decode(text.split_whitespace().collect::<String>()).unwrap()
}

fn unwrapped(algorithm: WrappingAlgorithm, wrapped: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    unwrap(&key().to_private_der(), algorithm, wrapped)
}

#[test]
fn what_openssl_wraps_unwraps_here() {
    let sha_1 = golden(include_str!("../../tests/golden/wrapped_oaep_sha_1.hex"));
    let sha_256 = golden(include_str!("../../tests/golden/wrapped_oaep_sha_256.hex"));
    assert_eq!(
        *unwrapped(WrappingAlgorithm::RsaesOaepSha1, &sha_1).unwrap(),
        [5; 32]
    );
    assert_eq!(
        *unwrapped(WrappingAlgorithm::RsaesOaepSha256, &sha_256).unwrap(),
        [5; 32]
    );
    assert!(unwrapped(WrappingAlgorithm::RsaesOaepSha256, &sha_1).is_none());
    assert!(unwrapped(WrappingAlgorithm::RsaesOaepSha1, &sha_256).is_none());
}

#[test]
fn the_public_key_is_the_one_openssl_writes() {
    let public = golden(include_str!(
        "../../tests/golden/wrapping_key_rsa_2048_public.hex"
    ));
    assert_eq!(key().public_key_der(), public);
}

#[test]
fn what_is_wrapped_unwraps_with_the_same_algorithm_only() {
    for algorithm in WrappingAlgorithm::ALL {
        let wrapped = wrap(&key().public_key_der(), algorithm, b"any length").unwrap();
        for other in WrappingAlgorithm::ALL {
            let plaintext = unwrapped(other, &wrapped);
            assert_eq!(plaintext.is_some(), other == algorithm);
            assert!(plaintext.is_none_or(|plaintext| *plaintext == b"any length"));
        }
    }
}

#[test]
fn altered_or_cut_wrapping_gives_nothing() {
    let algorithm = WrappingAlgorithm::RsaesOaepSha256;
    let wrapped = wrap(&key().public_key_der(), algorithm, &[5; 32]).unwrap();
    for at in (0..wrapped.len()).step_by(51) {
        let mut altered = wrapped.clone();
        altered[at] ^= 1;
        assert!(unwrapped(algorithm, &altered).is_none(), "byte {at}");
    }
    for length in [0, 1, 255] {
        assert!(
            unwrapped(algorithm, &wrapped[..length]).is_none(),
            "{length} bytes"
        );
    }
    assert!(unwrapped(algorithm, &[wrapped.as_slice(), &[0]].concat()).is_none());
}

#[test]
fn every_size_is_generated_written_and_read_back() {
    for (spec, bytes_max) in WrappingKeySpec::ALL.into_iter().zip([190, 318, 446]) {
        let key = WrappingKey::generate(spec);
        let again = WrappingKey::from_private_der(&key.to_private_der()).unwrap();
        assert_eq!(again.spec(), spec);
        assert_eq!(again.public_key_der(), key.public_key_der());
        let algorithm = WrappingAlgorithm::RsaesOaepSha256;
        let public = key.public_key_der();
        assert!(wrap(&public, algorithm, &vec![1; bytes_max]).is_ok());
        assert_eq!(
            wrap(&public, algorithm, &vec![1; bytes_max + 1]),
            Err(WrapError::TooLong { bytes_max })
        );
    }
}

#[test]
fn bytes_that_are_no_key_are_refused() {
    let private = key().to_private_der();
    for bytes in [
        &[][..],
        b"key",
        &private[..private.len() - 1],
        &key().public_key_der(),
    ] {
        assert_eq!(
            WrappingKey::from_private_der(bytes).err(),
            Some(WrappingKeyError)
        );
    }
    for bytes in [&[][..], b"key", &private] {
        assert_eq!(
            wrap(bytes, WrappingAlgorithm::RsaesOaepSha1, b""),
            Err(WrapError::MalformedPublicKey)
        );
    }
}

#[test]
fn names_are_those_of_aws_and_others_are_refused() {
    for spec in WrappingKeySpec::ALL {
        assert_eq!(spec.to_string().parse(), Ok(spec));
    }
    for algorithm in WrappingAlgorithm::ALL {
        assert_eq!(algorithm.to_string().parse(), Ok(algorithm));
    }
    assert_eq!("RSA_3072".parse(), Ok(WrappingKeySpec::Rsa3072));
    assert_eq!(
        "RSAES_OAEP_SHA_1".parse(),
        Ok(WrappingAlgorithm::RsaesOaepSha1)
    );
    assert!("SM2".parse::<WrappingKeySpec>().is_err());
    assert!("RSAES_PKCS1_V1_5".parse::<WrappingAlgorithm>().is_err());
}
