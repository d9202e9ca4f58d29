//! Sealed: material as it is stored, logged and sent.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::aead::{NONCE_LEN, TAG_LEN};
use crate::secret::SECRET_LEN;

/// First byte of every sealed form that this code writes.
pub(crate) const VERSION: u8 = 1;
/// Version byte, nonce, encrypted material, tag.
const SEALED_LEN: usize = 1 + NONCE_LEN + SECRET_LEN + TAG_LEN;

/// Material encrypted under a region's root key, or for the link between two
/// regions. Only the right [`Vault`](crate::Vault) can open it.
///
/// A durable format: version byte, 12-byte nonce, 32 encrypted bytes, 16-byte
/// tag. Serialized as a base64 string.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed([u8; SEALED_LEN]);

/// Bytes that cannot be sealed material, whatever the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealedError {
    /// There is no byte at all, or the length is not this version's.
    #[error("sealed material of version {VERSION} has {SEALED_LEN} bytes, not {0}")]
    Length(usize),
    /// Written by another, probably newer, version of this code.
    #[error("sealed material has version {0}, and only version {VERSION} is known")]
    UnknownVersion(u8),
}

impl Sealed {
    /// Reads the durable form. Whether it opens is for the vault to find out.
    ///
    /// # Errors
    /// [`SealedError`] for an unknown version or a wrong length.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SealedError> {
        match bytes.first() {
            Some(&VERSION) | None => {}
            Some(&version) => return Err(SealedError::UnknownVersion(version)),
        }
        bytes
            .try_into()
            .map(Self)
            .map_err(|_| SealedError::Length(bytes.len()))
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

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({SEALED_LEN} bytes)")
    }
}

impl Serialize for Sealed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(self.0))
    }
}

impl<'de> Deserialize<'de> for Sealed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = STANDARD.decode(text).map_err(D::Error::custom)?;
        Self::from_bytes(&bytes).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Sealed {
        let mut bytes = [9; SEALED_LEN];
        bytes[0] = VERSION;
        Sealed(bytes)
    }

    #[test]
    fn json_gives_back_the_same_bytes() {
        let json = serde_json::to_string(&example()).unwrap();
        assert_eq!(
            json,
            format!("\"{}\"", STANDARD.encode(example().as_bytes()))
        );
        assert_eq!(serde_json::from_str::<Sealed>(&json).unwrap(), example());
    }

    #[test]
    fn debug_shows_only_the_length() {
        assert_eq!(format!("{:?}", example()), "Sealed(61 bytes)");
    }

    #[test]
    fn an_unknown_version_is_named_in_the_error() {
        let mut bytes = example().as_bytes().to_vec();
        bytes[0] = 2;
        let error = Sealed::from_bytes(&bytes).unwrap_err();
        assert_eq!(error, SealedError::UnknownVersion(2));
        assert_eq!(
            error.to_string(),
            "sealed material has version 2, and only version 1 is known"
        );
        let json = format!("\"{}\"", STANDARD.encode(&bytes));
        let error = serde_json::from_str::<Sealed>(&json)
            .unwrap_err()
            .to_string();
        assert!(error.contains("has version 2"), "{error}");
    }

    #[test]
    fn any_other_length_is_refused() {
        let bytes = example().as_bytes().to_vec();
        for length in 0..SEALED_LEN {
            assert_eq!(
                Sealed::from_bytes(&bytes[..length]),
                Err(SealedError::Length(length))
            );
        }
        let long = [bytes.as_slice(), &[0]].concat();
        assert_eq!(
            Sealed::from_bytes(&long),
            Err(SealedError::Length(SEALED_LEN + 1))
        );
    }
}
