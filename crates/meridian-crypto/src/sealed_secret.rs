//! Sealed secret: a password or an access key as it is stored and logged.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::aead::{NONCE_LEN, TAG_LEN};

/// First byte of every sealed secret that this code writes.
pub(crate) const VERSION: u8 = 1;
/// Version byte, nonce, nothing encrypted, tag.
const LEN_MIN: usize = 1 + NONCE_LEN + TAG_LEN;

/// A secret text of any length, encrypted under a region's root key. Only the
/// right [`Vault`](crate::Vault) can open it, and only for the owner that it
/// was sealed for.
///
/// A durable format: version byte, 12-byte nonce, the encrypted bytes, 16-byte
/// tag. Serialized as a base64 string.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedSecret(Vec<u8>);

/// Bytes that cannot be a sealed secret, whatever the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealedSecretError {
    /// Too short to hold a nonce and a tag.
    #[error("a sealed secret has {LEN_MIN} bytes or more, not {0}")]
    Length(usize),
    /// Written by another, probably newer, version of this code.
    #[error("sealed secret has version {0}, and only version {VERSION} is known")]
    UnknownVersion(u8),
}

impl SealedSecret {
    /// Reads the durable form. Whether it opens is for the vault to find out.
    ///
    /// # Errors
    /// [`SealedSecretError`] for an unknown version or too few bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SealedSecretError> {
        match bytes.first() {
            Some(&VERSION) if bytes.len() >= LEN_MIN => Ok(Self(bytes.to_vec())),
            Some(&VERSION) | None => Err(SealedSecretError::Length(bytes.len())),
            Some(&version) => Err(SealedSecretError::UnknownVersion(version)),
        }
    }

    /// The durable form.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// What follows the version byte.
    pub(crate) fn body(&self) -> &[u8] {
        &self.0[1..]
    }
}

impl fmt::Debug for SealedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealedSecret")
    }
}

impl Serialize for SealedSecret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for SealedSecret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = STANDARD.decode(text).map_err(D::Error::custom)?;
        Self::from_bytes(&bytes).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ClusterSecret, RootKey, SeededEntropy, Vault, VaultError};

    fn vault(region: &str) -> Vault {
        Vault::new(
            region,
            RootKey::from_bytes(&[1; 32]).unwrap(),
            ClusterSecret::from_bytes(&[2; 32]).unwrap(),
        )
    }

    fn sealed() -> SealedSecret {
        vault("eu-west-3").seal_secret("cks-1", b"hunter2", &mut SeededEntropy::new(3))
    }

    #[test]
    fn a_secret_opens_for_its_owner_in_its_region_only() {
        let paris = vault("eu-west-3");
        assert_eq!(
            **paris.open_secret("cks-1", &sealed()).unwrap(),
            *b"hunter2"
        );
        let refused = Err(VaultError::NotAuthentic);
        assert_eq!(paris.open_secret("cks-2", &sealed()).map(|_| ()), refused);
        let oslo = vault("eu-north-1");
        assert_eq!(oslo.open_secret("cks-1", &sealed()).map(|_| ()), refused);
        let mut altered = sealed().as_bytes().to_vec();
        altered[20] ^= 1;
        let altered = SealedSecret::from_bytes(&altered).unwrap();
        assert_eq!(paris.open_secret("cks-1", &altered).map(|_| ()), refused);
    }

    #[test]
    fn the_sealed_form_is_read_and_written_as_ever() {
        let golden = "\"Af8zP5/akdCcpts32geHwm7wauodioR6tuRMj/quzPf97tF7\"";
        assert_eq!(serde_json::to_string(&sealed()).unwrap(), golden);
        let stored: SealedSecret = serde_json::from_str(golden).unwrap();
        let opened = vault("eu-west-3").open_secret("cks-1", &stored).unwrap();
        assert_eq!(**opened, *b"hunter2");
    }

    #[test]
    fn debug_shows_nothing_of_it() {
        assert_eq!(format!("{:?}", sealed()), "SealedSecret");
    }

    #[test]
    fn other_versions_and_lengths_are_refused() {
        let mut bytes = sealed().as_bytes().to_vec();
        bytes[0] = 2;
        let unknown = Err(SealedSecretError::UnknownVersion(2));
        assert_eq!(SealedSecret::from_bytes(&bytes), unknown);
        let short = Err(SealedSecretError::Length(28));
        assert_eq!(SealedSecret::from_bytes(&[VERSION; 28]), short);
        let nothing = Err(SealedSecretError::Length(0));
        assert_eq!(SealedSecret::from_bytes(b""), nothing);
    }
}
