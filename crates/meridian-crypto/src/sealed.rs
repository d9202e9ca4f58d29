//! Sealed: material as it is stored, logged and sent.

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::KeySpec;
use crate::aead::{NONCE_LEN, TAG_LEN};
use crate::secret::SECRET_LEN;

/// First byte of the sealed form of symmetric material.
pub(crate) const SYMMETRIC: u8 = 1;
/// First byte of the sealed form of all other material.
pub(crate) const OF_A_SPEC: u8 = 2;
/// Version byte, nonce, encrypted material, tag.
const SYMMETRIC_LEN: usize = 1 + NONCE_LEN + SECRET_LEN + TAG_LEN;
/// Version byte, spec, nonce, at least one encrypted byte, tag.
const OF_A_SPEC_LEN_MIN: usize = 2 + NONCE_LEN + 1 + TAG_LEN;

/// Material encrypted under a region's root key, or for the link between two
/// regions. Only the right [`Vault`](crate::Vault) can open it.
///
/// A durable format. Version 1, symmetric material: version byte, 12-byte
/// nonce, 32 encrypted bytes, 16-byte tag. Version 2, all other: version byte,
/// a byte for the key spec, 12-byte nonce, the encrypted bytes, 16-byte tag.
/// Serialized as a base64 string.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(Form);

/// Symmetric material, by far the most, needs no allocation.
#[derive(Clone, PartialEq, Eq)]
enum Form {
    Symmetric([u8; SYMMETRIC_LEN]),
    OfASpec(KeySpec, Arc<[u8]>),
}

/// Bytes that cannot be sealed material, whatever the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealedError {
    /// There is no byte at all, or the length is not this version's.
    #[error("sealed material has no valid length: {0} bytes")]
    Length(usize),
    /// Written by another, probably newer, version of this code.
    #[error("sealed material has version {0}, and only {SYMMETRIC} and {OF_A_SPEC} are known")]
    UnknownVersion(u8),
    /// Of a spec that only another, probably newer, version of this code knows.
    #[error("sealed material is of an unknown key spec, number {0}")]
    UnknownSpec(u8),
}

impl Sealed {
    /// Reads the durable form. Whether it opens is for the vault to find out.
    ///
    /// # Errors
    /// [`SealedError`] for an unknown version or spec, or a wrong length.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SealedError> {
        let length = SealedError::Length(bytes.len());
        let form = match bytes.first() {
            Some(&SYMMETRIC) => Form::Symmetric(bytes.try_into().map_err(|_| length)?),
            Some(&OF_A_SPEC) if bytes.len() < OF_A_SPEC_LEN_MIN => return Err(length),
            Some(&OF_A_SPEC) => match KeySpec::from_code(bytes[1]) {
                Some(KeySpec::SymmetricDefault) | None => {
                    return Err(SealedError::UnknownSpec(bytes[1]));
                }
                Some(spec) => Form::OfASpec(spec, bytes.into()),
            },
            Some(&version) => return Err(SealedError::UnknownVersion(version)),
            None => return Err(length),
        };
        Ok(Self(form))
    }

    /// The durable form.
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Form::Symmetric(bytes) => bytes,
            Form::OfASpec(_, bytes) => bytes,
        }
    }

    /// What kind of material is inside.
    pub fn spec(&self) -> KeySpec {
        match &self.0 {
            Form::Symmetric(_) => KeySpec::SymmetricDefault,
            Form::OfASpec(spec, _) => *spec,
        }
    }

    /// What precedes the nonce in the sealed form of material of a spec.
    pub(crate) fn head_for(spec: KeySpec) -> Vec<u8> {
        match spec {
            KeySpec::SymmetricDefault => vec![SYMMETRIC],
            _ => vec![OF_A_SPEC, spec.code()],
        }
    }

    /// What precedes the nonce.
    pub(crate) fn head(&self) -> &[u8] {
        self.as_bytes().split_at(self.head_len()).0
    }

    /// What follows the head: nonce, encrypted bytes, tag.
    pub(crate) fn body(&self) -> &[u8] {
        self.as_bytes().split_at(self.head_len()).1
    }

    fn head_len(&self) -> usize {
        match &self.0 {
            Form::Symmetric(_) => 1,
            Form::OfASpec(..) => 2,
        }
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.as_bytes().len())
    }
}

impl Serialize for Sealed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(self.as_bytes()))
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

    fn examples() -> [Sealed; 2] {
        let mut symmetric = [9; SYMMETRIC_LEN];
        symmetric[0] = SYMMETRIC;
        let mut other = [9; 100];
        other[..2].copy_from_slice(&[OF_A_SPEC, KeySpec::EccNistP256.code()]);
        [&symmetric[..], &other[..]].map(|bytes| Sealed::from_bytes(bytes).unwrap())
    }

    #[test]
    fn json_gives_back_the_same_bytes() {
        for sealed in examples() {
            let json = serde_json::to_string(&sealed).unwrap();
            let bytes = STANDARD.encode(sealed.as_bytes());
            assert_eq!(json, format!("\"{bytes}\""));
            assert_eq!(serde_json::from_str::<Sealed>(&json).unwrap(), sealed);
        }
    }

    #[test]
    fn the_sealed_form_says_of_what_spec_the_material_is() {
        let specs = examples().map(|sealed| sealed.spec());
        assert_eq!(specs, [KeySpec::SymmetricDefault, KeySpec::EccNistP256]);
        for sealed in examples() {
            assert_eq!(sealed.head(), Sealed::head_for(sealed.spec()));
        }
    }

    #[test]
    fn debug_shows_only_the_length() {
        let shown = examples().map(|sealed| format!("{sealed:?}"));
        assert_eq!(shown, ["Sealed(61 bytes)", "Sealed(100 bytes)"]);
    }

    #[test]
    fn an_unknown_version_or_spec_is_named_in_the_error() {
        let [symmetric, other] = examples();
        let mut bytes = symmetric.as_bytes().to_vec();
        bytes[0] = 3;
        let error = Sealed::from_bytes(&bytes).unwrap_err();
        assert_eq!(error, SealedError::UnknownVersion(3));
        assert_eq!(
            error.to_string(),
            "sealed material has version 3, and only 1 and 2 are known"
        );
        let json = format!("\"{}\"", STANDARD.encode(&bytes));
        let error = serde_json::from_str::<Sealed>(&json)
            .unwrap_err()
            .to_string();
        assert!(error.contains("has version 3"), "{error}");
        let mut bytes = other.as_bytes().to_vec();
        for code in [0, KeySpec::SymmetricDefault.code(), 20, 255] {
            bytes[1] = code;
            assert_eq!(
                Sealed::from_bytes(&bytes),
                Err(SealedError::UnknownSpec(code))
            );
        }
    }

    #[test]
    fn a_wrong_length_is_refused() {
        let [symmetric, other] = examples();
        let bytes = symmetric.as_bytes();
        for length in 0..SYMMETRIC_LEN {
            assert_eq!(
                Sealed::from_bytes(&bytes[..length]),
                Err(SealedError::Length(length))
            );
        }
        let long = [bytes, &[0]].concat();
        assert_eq!(
            Sealed::from_bytes(&long),
            Err(SealedError::Length(SYMMETRIC_LEN + 1))
        );
        for length in 1..OF_A_SPEC_LEN_MIN {
            assert_eq!(
                Sealed::from_bytes(&other.as_bytes()[..length]),
                Err(SealedError::Length(length))
            );
        }
    }
}
