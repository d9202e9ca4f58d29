//! KeyId: the name of a key, as text and as the 17 bytes in which a ciphertext
//! names it.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// First byte of the compact form of a UUID.
const UUID: u8 = 1;
/// First byte of the compact form of a multi-Region key's ID.
const MULTI_REGION: u8 = 2;
/// What the ID of a multi-Region key begins with.
const PREFIX: &str = "mrk-";
/// Where the dashes of a UUID are.
const DASHES: [usize; 4] = [8, 13, 18, 23];
/// Where its groups of digits are, and where each is once the dashes are left
/// out.
const GROUPS: [(Range<usize>, usize); 5] = [
    (0..8, 0),
    (9..13, 8),
    (14..18, 12),
    (19..23, 16),
    (24..36, 20),
];

/// Length in bytes of the compact form.
pub(crate) const COMPACT_LEN: usize = 17;

/// A key ID: a UUID, or `mrk-` and 32 hex digits for a multi-Region key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId {
    multi_region: bool,
    bytes: [u8; 16],
}

/// Text that is no key ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid key ID")]
pub struct ParseKeyIdError;

impl KeyId {
    /// Not after any other in the order of key IDs.
    pub const LOWEST: KeyId = KeyId {
        multi_region: false,
        bytes: [0; 16],
    };

    /// A fresh ID from random bytes, in the form that the kind of key has.
    pub fn from_random(mut bytes: [u8; 16], multi_region: bool) -> KeyId {
        if !multi_region {
            // RFC 9562: version 4, variant 10.
            bytes[6] = (bytes[6] & 0x0f) | 0x40;
            bytes[8] = (bytes[8] & 0x3f) | 0x80;
        }
        KeyId {
            multi_region,
            bytes,
        }
    }

    /// A kind byte, then the 16 bytes that the hex digits spell.
    pub(crate) fn compact(&self) -> [u8; COMPACT_LEN] {
        let mut compact = [UUID; COMPACT_LEN];
        if self.multi_region {
            compact[0] = MULTI_REGION;
        }
        compact[1..].copy_from_slice(&self.bytes);
        compact
    }

    /// The ID with this compact form; `None` for an unknown kind byte.
    pub(crate) fn from_compact(compact: &[u8; COMPACT_LEN]) -> Option<KeyId> {
        let [kind, bytes @ ..] = *compact;
        let multi_region = match kind {
            UUID => false,
            MULTI_REGION => true,
            _ => return None,
        };
        Some(KeyId {
            multi_region,
            bytes,
        })
    }

    /// Writes the text in one piece, without what formatting costs: nearly every
    /// answer names a key.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, out: &mut impl fmt::Write) -> fmt::Result {
        let mut digits = [0; 32];
        hex::encode_to_slice(self.bytes, &mut digits).expect("32 digits hold 16 bytes");
        let mut text = [b'-'; 36];
        if self.multi_region {
            text[..4].copy_from_slice(PREFIX.as_bytes());
            text[4..].copy_from_slice(&digits);
        } else {
            for (group, at) in GROUPS {
                let length = group.len();
                text[group].copy_from_slice(&digits[at..at + length]);
            }
        }
        out.write_str(std::str::from_utf8(&text).expect("hex digits are ASCII"))
    }
}

impl FromStr for KeyId {
    type Err = ParseKeyIdError;

    fn from_str(text: &str) -> Result<KeyId, ParseKeyIdError> {
        let mut digits = [0u8; 32];
        let multi_region = match text.strip_prefix(PREFIX) {
            Some(hex) => {
                digits = hex.as_bytes().try_into().map_err(|_| ParseKeyIdError)?;
                true
            }
            None => {
                let bytes = text.as_bytes();
                if bytes.len() != 36 || DASHES.iter().any(|at| bytes[*at] != b'-') {
                    return Err(ParseKeyIdError);
                }
                for (group, at) in GROUPS {
                    digits[at..at + group.len()].copy_from_slice(&bytes[group]);
                }
                false
            }
        };
        if digits.iter().any(u8::is_ascii_uppercase) {
            return Err(ParseKeyIdError);
        }
        let mut bytes = [0u8; 16];
        hex::decode_to_slice(digits, &mut bytes).map_err(|_| ParseKeyIdError)?;
        Ok(KeyId {
            multi_region,
            bytes,
        })
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f)
    }
}

impl Serialize for KeyId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for KeyId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const UUID_ID: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";
    const MULTI_REGION_ID: &str = "mrk-1234abcd12ab34cd56ef1234567890ab";

    fn id(text: &str) -> KeyId {
        text.parse().unwrap()
    }

    #[test]
    fn both_forms_of_key_id_come_back() {
        for text in [UUID_ID, MULTI_REGION_ID] {
            assert_eq!(id(text).to_string(), text);
            let compact = id(text).compact();
            assert_eq!(KeyId::from_compact(&compact), Some(id(text)));
        }
    }

    #[test]
    fn the_two_forms_of_the_same_digits_differ() {
        assert_ne!(id(UUID_ID), id(MULTI_REGION_ID));
        assert_ne!(id(UUID_ID).compact(), id(MULTI_REGION_ID).compact());
    }

    #[test]
    fn other_text_is_no_key_id() {
        for text in [
            "",
            "mrk-",
            "fake-key-id",
            "mrk-fake-key-id",
            "mrk-1234ABCD12ab34cd56ef1234567890ab",
            "mrk-1234abcd12ab34cd56ef1234567890a",
            "mrk-1234abcd12ab34cd56ef1234567890abc",
            "1234ABCD-12ab-34cd-56ef-1234567890ab",
            "1234abcd12ab34cd56ef1234567890ab",
            "1234abcd-12ab-34cd-56ef-1234567890a-",
            "1234abcd012ab-34cd-56ef-1234567890ab",
            "1234abcd-12ab-34cd-56ef-1234567890ag",
            "ééééééééé-ééé",
            "alias/example",
        ] {
            assert_eq!(text.parse::<KeyId>(), Err(ParseKeyIdError), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_misread(text in "\\PC{0,40}|[0-9a-f-]{36}|mrk-[0-9a-f]{31,33}") {
            if let Ok(id) = text.parse::<KeyId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }

        #[test]
        fn no_bytes_are_misread(bytes in any::<[u8; COMPACT_LEN]>(), kind in 0u8..4) {
            let mut bytes = bytes;
            bytes[0] = kind;
            match KeyId::from_compact(&bytes) {
                Some(id) => prop_assert_eq!(id.compact(), bytes),
                None => prop_assert!(kind != UUID && kind != MULTI_REGION),
            }
        }
    }
}
