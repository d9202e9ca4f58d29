//! ImportToken: everything an import needs to know, carried by the customer.
//!
//! A region remembers nothing about the tokens it gave out: the wrapping key's
//! private half travels inside, sealed. A durable format: version byte, nonce,
//! then under AES-256-GCM the algorithm (1 byte), the spec (1), the expiry (8,
//! big-endian), the key ARN after its length (2, big-endian), and the private
//! key to the end.

use zeroize::Zeroizing;

use crate::aead::Aead;
use crate::wrapping::unwrap;
use crate::{Entropy, WrappingAlgorithm, WrappingKey, WrappingKeySpec};

const VERSION: u8 = 1;

/// What `GetParametersForImport` promised, and the private key to keep the
/// promise with, which is wiped on drop.
pub struct ImportToken {
    /// The one key, in the one region, that the token is for.
    pub key_arn: String,
    /// How the material has to be wrapped.
    pub algorithm: WrappingAlgorithm,
    /// The size of the wrapping key.
    pub spec: WrappingKeySpec,
    /// From when on the token is refused, in milliseconds since 1970.
    pub expires_at_ms: i64,
    private_der: Zeroizing<Vec<u8>>,
}

/// Why bytes are no token of this region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Too short to hold anything, or holding something that is no token.
    #[error("not an import token")]
    Malformed,
    /// Written by another, probably newer, version of this code.
    #[error("import token has version {0}, and only version {VERSION} is known")]
    UnknownVersion(u8),
    /// Altered, or sealed by another region.
    #[error("import token was altered or comes from another region")]
    NotAuthentic,
}

impl ImportToken {
    /// A token for material that is wrapped under `key` with `algorithm` and
    /// meant for the KMS key `key_arn`.
    pub fn new(
        key: &WrappingKey,
        key_arn: impl Into<String>,
        algorithm: WrappingAlgorithm,
        expires_at_ms: i64,
    ) -> Self {
        Self {
            key_arn: key_arn.into(),
            algorithm,
            spec: key.spec(),
            expires_at_ms,
            private_der: key.to_private_der(),
        }
    }

    /// The material's bytes; `None` if they were not wrapped with this token's
    /// key and algorithm.
    pub fn unwrap(&self, wrapped: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        unwrap(&self.private_der, self.algorithm, wrapped)
    }

    pub(crate) fn seal(&self, key: &Aead, entropy: &mut dyn Entropy) -> Vec<u8> {
        let mut out = vec![VERSION];
        key.seal(&[VERSION], &self.write(), entropy, &mut out);
        out
    }

    pub(crate) fn open(key: &Aead, bytes: &[u8]) -> Result<Self, TokenError> {
        let (&version, sealed) = bytes.split_first().ok_or(TokenError::Malformed)?;
        if version != VERSION {
            return Err(TokenError::UnknownVersion(version));
        }
        let inside = key
            .open(&[VERSION], sealed)
            .ok_or(TokenError::NotAuthentic)?;
        Self::read(&inside).ok_or(TokenError::Malformed)
    }

    fn write(&self) -> Zeroizing<Vec<u8>> {
        let arn = self.key_arn.as_bytes();
        let arn_len = u16::try_from(arn.len()).expect("AWS allows no ARN beyond 2048 characters");
        // The full size at once: a vector that grows leaves copies behind.
        let mut out = Zeroizing::new(Vec::with_capacity(12 + arn.len() + self.private_der.len()));
        out.extend_from_slice(&[algorithm_byte(self.algorithm), spec_byte(self.spec)]);
        out.extend_from_slice(&self.expires_at_ms.to_be_bytes());
        out.extend_from_slice(&arn_len.to_be_bytes());
        out.extend_from_slice(arn);
        out.extend_from_slice(&self.private_der);
        out
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let ([algorithm, spec], rest) = bytes.split_first_chunk()?;
        let (expires_at_ms, rest) = rest.split_first_chunk()?;
        let (arn_len, rest) = rest.split_first_chunk()?;
        let (arn, private_der) = rest.split_at_checked(u16::from_be_bytes(*arn_len).into())?;
        Some(Self {
            key_arn: String::from_utf8(arn.to_vec()).ok()?,
            algorithm: WrappingAlgorithm::ALL
                .into_iter()
                .find(|known| algorithm_byte(*known) == *algorithm)?,
            spec: WrappingKeySpec::ALL
                .into_iter()
                .find(|known| spec_byte(*known) == *spec)?,
            expires_at_ms: i64::from_be_bytes(*expires_at_ms),
            private_der: Zeroizing::new(private_der.to_vec()),
        })
    }
}

fn algorithm_byte(algorithm: WrappingAlgorithm) -> u8 {
    match algorithm {
        WrappingAlgorithm::RsaesOaepSha1 => 1,
        WrappingAlgorithm::RsaesOaepSha256 => 2,
        WrappingAlgorithm::RsaAesKeyWrapSha1 => 3,
        WrappingAlgorithm::RsaAesKeyWrapSha256 => 4,
    }
}

fn spec_byte(spec: WrappingKeySpec) -> u8 {
    match spec {
        WrappingKeySpec::Rsa2048 => 1,
        WrappingKeySpec::Rsa3072 => 2,
        WrappingKeySpec::Rsa4096 => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wrapping::{self, wrap};
    use crate::{ClusterSecret, RootKey, SeededEntropy, Vault};
    use proptest::prelude::*;

    const ARN: &str = "arn:aws:kms:eu-west-3:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab";

    fn vault(region: &str) -> Vault {
        let root = RootKey::from_bytes(&[1; 32]).unwrap();
        Vault::new(region, root, ClusterSecret::from_bytes(&[2; 32]).unwrap())
    }

    fn token() -> ImportToken {
        ImportToken::new(
            &wrapping::tests::key(),
            ARN,
            WrappingAlgorithm::RsaesOaepSha256,
            86_400_000,
        )
    }

    fn sealed() -> Vec<u8> {
        vault("eu-west-3").seal_token(&token(), &mut SeededEntropy::new(1))
    }

    #[test]
    fn a_token_brings_back_what_it_was_made_with() {
        let token = vault("eu-west-3").open_token(&sealed()).unwrap();
        assert_eq!(token.key_arn, ARN);
        assert_eq!(token.algorithm, WrappingAlgorithm::RsaesOaepSha256);
        assert_eq!(token.spec, WrappingKeySpec::Rsa2048);
        assert_eq!(token.expires_at_ms, 86_400_000);
        let public = wrapping::tests::key().public_key_der();
        let wrapped = wrap(&public, token.algorithm, &[5; 32]).unwrap();
        assert_eq!(*token.unwrap(&wrapped).unwrap(), [5; 32]);
        let otherwise = wrap(&public, WrappingAlgorithm::RsaesOaepSha1, &[5; 32]).unwrap();
        assert!(token.unwrap(&otherwise).is_none());
    }

    #[test]
    fn the_largest_token_fits_into_what_aws_allows() {
        let key = WrappingKey::generate(WrappingKeySpec::Rsa4096);
        let arn = format!("{ARN:a<2048}");
        let token = ImportToken::new(&key, arn, WrappingAlgorithm::RsaesOaepSha1, i64::MIN);
        let sealed = vault("eu-west-3").seal_token(&token, &mut SeededEntropy::new(1));
        assert!(sealed.len() < 6144, "{} bytes", sealed.len());
        let token = vault("eu-west-3").open_token(&sealed).unwrap();
        assert_eq!(
            (token.spec, token.expires_at_ms),
            (WrappingKeySpec::Rsa4096, i64::MIN)
        );
    }

    #[test]
    fn another_region_refuses_a_token() {
        let error = vault("eu-north-1").open_token(&sealed()).err();
        assert_eq!(error, Some(TokenError::NotAuthentic));
    }

    #[test]
    fn an_unknown_version_is_named_in_the_error() {
        let mut bytes = sealed();
        bytes[0] = 2;
        let error = vault("eu-west-3").open_token(&bytes).err().unwrap();
        assert_eq!(error, TokenError::UnknownVersion(2));
        assert_eq!(
            error.to_string(),
            "import token has version 2, and only version 1 is known"
        );
    }

    #[test]
    fn sealed_material_is_no_token() {
        let vault = vault("eu-west-3");
        let mut entropy = SeededEntropy::new(1);
        let material = crate::Material::generate(&mut entropy);
        let key = crate::KeyId::LOWEST;
        let id = vault.material_id(&key, &material);
        let sealed = vault.seal(&key, &id, &material, &mut entropy);
        assert_eq!(
            vault.open_token(sealed.as_bytes()).err(),
            Some(TokenError::NotAuthentic)
        );
    }

    #[test]
    fn authentic_bytes_that_hold_no_token_are_malformed() {
        let inside = token().write();
        for length in [0, 1, 9, 11, 12 + ARN.len() - 1] {
            assert!(ImportToken::read(&inside[..length]).is_none(), "{length}");
        }
        for (at, byte) in [(0, 0), (0, 5), (1, 0), (1, 4), (12, 0xff)] {
            let mut inside = inside.clone();
            inside[at] = byte;
            assert!(ImportToken::read(&inside).is_none(), "byte {at} as {byte}");
        }
        assert_eq!(
            vault("eu-west-3").open_token(&[]).err(),
            Some(TokenError::Malformed)
        );
    }

    #[test]
    fn altering_any_byte_is_refused() {
        let (vault, sealed) = (vault("eu-west-3"), sealed());
        for at in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[at] ^= 0x10;
            assert!(vault.open_token(&altered).is_err(), "byte {at}");
        }
    }

    proptest! {
        #[test]
        fn foreign_bytes_are_refused_without_panic(
            version in 0u8..3,
            rest in proptest::collection::vec(any::<u8>(), 0..100),
        ) {
            let bytes = [vec![version], rest].concat();
            prop_assert!(vault("eu-west-3").open_token(&bytes).is_err());
        }

        #[test]
        fn any_bytes_inside_are_read_without_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..60),
        ) {
            if let Some(token) = ImportToken::read(&bytes) {
                prop_assert_eq!(&*token.write(), &bytes);
            }
        }
    }
}
