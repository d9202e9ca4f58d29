//! MaterialId: the public name of a piece of material.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Names one piece of material of one key; says nothing about its bytes.
///
/// The same bytes in the same key have the same id in every region; other bytes
/// or another key have another id. Written as 64 lower-case hex digits, as AWS
/// does in `KeyMaterialId`. Made by [`Vault::material_id`](crate::Vault::material_id).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MaterialId([u8; 32]);

impl MaterialId {
    /// The id with these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes of the id.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Text that is not 64 lower-case hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key material id has 64 lower-case hex digits")]
pub struct ParseMaterialIdError;

impl FromStr for MaterialId {
    type Err = ParseMaterialIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(ParseMaterialIdError);
        }
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| ParseMaterialIdError)?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for MaterialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = [0; 64];
        hex::encode_to_slice(self.0, &mut digits).expect("64 digits hold 32 bytes");
        f.pad(str::from_utf8(&digits).expect("hex digits are ASCII"))
    }
}

impl fmt::Debug for MaterialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for MaterialId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for MaterialId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "00112233445566778899aabbccddeeff0123456789abcdef0123456789abcdef";

    #[test]
    fn an_id_reads_and_writes_as_64_hex_digits() {
        let id: MaterialId = TEXT.parse().unwrap();
        assert_eq!(id.to_string(), TEXT);
        assert_eq!(format!("{id:?}"), TEXT);
        assert_eq!(serde_json::to_string(&id).unwrap(), format!("\"{TEXT}\""));
        assert_eq!(
            serde_json::from_str::<MaterialId>(&format!("\"{TEXT}\"")).unwrap(),
            id
        );
    }

    #[test]
    fn other_text_is_no_id() {
        let upper = TEXT.to_uppercase();
        let long = format!("{TEXT}0");
        for text in ["", &TEXT[1..], &long, &upper, &TEXT.replace('0', "g")] {
            assert_eq!(
                text.parse::<MaterialId>(),
                Err(ParseMaterialIdError),
                "{text}"
            );
        }
    }

    #[test]
    fn an_id_can_be_a_key_of_a_json_map() {
        let id: MaterialId = TEXT.parse().unwrap();
        let map = std::collections::BTreeMap::from([(id, 1)]);
        assert_eq!(
            serde_json::to_string(&map).unwrap(),
            format!("{{\"{TEXT}\":1}}")
        );
    }
}
