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
