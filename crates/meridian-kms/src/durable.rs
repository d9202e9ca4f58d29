//! The durable forms of a log entry and of a whole region: a version, then
//! readable JSON in which secrets are sealed.

use serde::{Deserialize, Serialize};

use crate::region::{Entry, Region};

/// The version that entries and snapshots are written in.
pub const FORMAT: u32 = 1;

/// Why stored bytes cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// Written by a later release.
    #[error("format version {0} is not known; this release reads version {FORMAT}")]
    Version(u32),
    /// Damaged, or never ours.
    #[error("not a stored {what}: {error}")]
    Malformed {
        /// Which form was expected.
        what: &'static str,
        /// What the parser says.
        error: serde_json::Error,
    },
}

#[derive(Serialize)]
struct Write<'a, T> {
    v: u32,
    body: &'a T,
}

#[derive(Deserialize)]
struct VersionOnly {
    v: u32,
}

#[derive(Deserialize)]
struct Read<T> {
    body: T,
}

fn write<T: Serialize>(value: &T) -> Vec<u8> {
    let form = Write {
        v: FORMAT,
        body: value,
    };
    serde_json::to_vec(&form).expect("replicated state has no unrepresentable part")
}

fn read<T: for<'de> Deserialize<'de>>(what: &'static str, bytes: &[u8]) -> Result<T, FormatError> {
    let malformed = |error| FormatError::Malformed { what, error };
    let VersionOnly { v } = serde_json::from_slice(bytes).map_err(malformed)?;
    if v != FORMAT {
        return Err(FormatError::Version(v));
    }
    let Read { body } = serde_json::from_slice(bytes).map_err(malformed)?;
    Ok(body)
}

impl Entry {
    /// The form that goes into the log.
    pub fn encode(&self) -> Vec<u8> {
        write(self)
    }

    /// Reads what [`Entry::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Entry, FormatError> {
        read("log entry", bytes)
    }
}

impl Region {
    /// The form of a snapshot.
    pub fn encode(&self) -> Vec<u8> {
        write(self)
    }

    /// Reads what [`Region::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Region, FormatError> {
        let mut region: Region = read("region", bytes)?;
        region.reindex();
        Ok(region)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::TestRegion;
    use crate::ops::Change;
    use crate::time::Timestamp;

    #[test]
    fn a_version_that_is_not_known_is_named() {
        let bytes = Entry {
            at: Timestamp(1),
            change: Change::Tick,
        }
        .encode();
        let newer = String::from_utf8(bytes)
            .unwrap()
            .replace("\"v\":1", "\"v\":2");
        let error = Entry::decode(newer.as_bytes()).unwrap_err();
        assert!(matches!(error, FormatError::Version(2)));
        assert_eq!(
            error.to_string(),
            "format version 2 is not known; this release reads version 1"
        );
        assert!(matches!(
            Region::decode(br#"{"v":3}"#),
            Err(FormatError::Version(3))
        ));
    }

    #[test]
    fn a_newer_version_need_not_look_like_this_one() {
        let error = Entry::decode(br#"{"v":7,"entries":"elsewhere"}"#).unwrap_err();
        assert!(matches!(error, FormatError::Version(7)));
    }

    #[test]
    fn damaged_bytes_are_refused() {
        for bytes in [&b""[..], b"{}", b"{\"v\":1}", b"{\"v\":1,\"body\":[]}"] {
            assert!(matches!(
                Entry::decode(bytes),
                Err(FormatError::Malformed { .. })
            ));
            assert!(matches!(
                Region::decode(bytes),
                Err(FormatError::Malformed { .. })
            ));
        }
    }

    #[test]
    fn a_region_that_was_read_back_still_knows_its_deadlines() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create();
        us.schedule_deletion(&key).unwrap();
        let mut again = Region::decode(&us.region.encode()).unwrap();
        assert!(again == us.region);
        assert_eq!(again.next_deadline(), us.region.next_deadline());
        again.advance_to(us.now.plus_days(7));
        assert!(again.keys().is_empty());
    }
}
