//! Facts: self-contained snapshots with one author and a version that only
//! grows, so that losing, repeating or reordering them changes nothing.
//!
//! Bytes of imported material are in no fact (R6). Material that KMS generated
//! travels sealed for the one region that a fact is sent to.

use std::collections::{BTreeMap, BTreeSet};

use meridian_crypto::{MaterialId, Sealed};
use serde::{Deserialize, Serialize};

use crate::arn::{KeyRef, RegionName};
use crate::key_set::{SharedProperties, Version};
use crate::key_state::KeyState;

/// What one region tells another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fact {
    /// By the primary, to every replica.
    Shared(Box<SharedFact>),
    /// By a replica, to the primary.
    Report(ReplicaReport),
}

/// The shared properties of a key set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedFact {
    /// The key.
    pub key: KeyRef,
    /// The properties; `(epoch, number)` orders them.
    pub shared: SharedProperties,
    /// What a replica starts with, until it has reported once.
    pub attributes: Option<ReplicaAttributes>,
    /// Generated material, sealed for whoever holds this copy: on the wire for
    /// the receiving region, in a log entry under its root key.
    pub sealed: BTreeMap<MaterialId, Sealed>,
}

/// What the caller of ReplicateKey chose for the replica.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicaAttributes {
    /// Description.
    pub description: String,
    /// Key policy; absent for the default one.
    pub policy: Option<String>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
}

/// What a replica tells the primary about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicaReport {
    /// The key.
    pub key: KeyRef,
    /// The author.
    pub region: RegionName,
    /// The membership it speaks for.
    pub joined: Version,
    /// Orders the author's reports about this key.
    pub sequence: u64,
    /// The shared properties it has applied.
    pub applied: Version,
    /// The materials whose bytes it holds.
    pub held: BTreeSet<MaterialId>,
    /// Its key state.
    pub state: ReportedState,
}

/// A replica's key state as the primary knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReportedState {
    /// The key exists.
    Here(KeyState),
    /// It has been deleted.
    Gone,
}

/// What remains of a multi-Region key after its deletion, so that a late fact
/// does not bring it back. A few dozen bytes, kept for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gone {
    /// The membership that ended; a later one makes a new key.
    pub joined: Version,
    /// Its last report.
    pub report: ReplicaReport,
}

/// The version that encoded facts begin with.
const ENCODING: u8 = 1;

impl Fact {
    /// The versioned encoding: one byte, then JSON.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![ENCODING];
        serde_json::to_writer(&mut bytes, self).expect("a fact has no unrepresentable part");
        bytes
    }

    /// Reads what [`Fact::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Fact, FactError> {
        match bytes.split_first() {
            Some((&ENCODING, json)) => serde_json::from_slice(json)
                .map_err(|error| FactError::Malformed(error.to_string())),
            Some((version, _)) => Err(FactError::Version(*version)),
            None => Err(FactError::Malformed("empty".into())),
        }
    }

    /// The key that the fact is about.
    pub fn key(&self) -> KeyRef {
        match self {
            Fact::Shared(fact) => fact.key,
            Fact::Report(report) => report.key,
        }
    }
}

/// Why bytes are no fact.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FactError {
    /// Another version of the encoding.
    #[error("fact encoding {0} is not known")]
    Version(u8),
    /// Not a fact.
    #[error("fact is malformed: {0}")]
    Malformed(String),
    /// Its key material does not open.
    #[error("key material in the fact does not open: {0}")]
    Material(String),
}
