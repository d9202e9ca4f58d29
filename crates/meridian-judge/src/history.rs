//! History: what was seen, in the order in which it was seen. The judge reads
//! nothing else, so a history can be kept and judged again.

use std::sync::Arc;

use meridian_crypto::MaterialId;
use meridian_kms::{KeyRef, Operation};
use serde::{Deserialize, Serialize};

use crate::sighting::Sighting;

/// The code of a failure that a fault alone is to blame for: the call was
/// refused on purpose, or answered from a view that a fault keeps old.
pub const REFUSED_BY_FAULT: &str = "RefusedByFault";

/// One thing that was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[allow(
    clippy::large_enum_variant,
    reason = "judged by reference and not kept unless somebody wants the history"
)]
pub enum Seen {
    /// A client calls.
    Invoke(Invoked),
    /// The call has succeeded.
    Ok(Returned),
    /// The call has failed, and had no effect.
    Fail {
        /// Milliseconds since the history began.
        at_ms: i64,
        /// The call.
        call: u64,
        /// AWS's code, or the cluster's own.
        code: String,
        /// Nothing was wrong inside the region while the call ran.
        sound: bool,
    },
    /// Nobody knows whether the call had an effect.
    Unknown {
        /// Milliseconds since the history began.
        at_ms: i64,
        /// The call.
        call: u64,
        /// Nothing was wrong inside the region while the call ran.
        sound: bool,
    },
    /// A region has agreed on the change that a call asked for.
    Applied {
        /// Milliseconds since the history began.
        at_ms: i64,
        /// The call.
        call: u64,
        /// It changed something, or would have if it had to.
        effect: bool,
    },
    /// A region has agreed on something new about a key.
    Saw {
        /// Milliseconds since the history began.
        at_ms: i64,
        /// The region, by its place in the header.
        region: usize,
        /// The key as it is now.
        key: Arc<Sighting>,
    },
    /// A region has deleted a key for good.
    Gone {
        /// Milliseconds since the history began.
        at_ms: i64,
        /// The region.
        region: usize,
        /// The key.
        key: KeyRef,
    },
    /// A region has told another a fact.
    Told {
        /// Milliseconds since the history began.
        at_ms: i64,
        /// The telling region.
        from: usize,
        /// The told region.
        to: usize,
        /// The key.
        key: KeyRef,
        /// Materials that travel in the fact, sealed.
        sealed: usize,
        /// Bytes of an imported material are known to be in the fact; a live
        /// cluster knows no such bytes, and counts `sealed` only.
        canary: bool,
    },
    /// All faults have ended, and there was time to agree.
    Healed {
        /// Milliseconds since the history began.
        at_ms: i64,
        /// Facts that are still due, by region.
        due: Vec<usize>,
    },
    /// A node lost what it remembered, and starts again.
    Restarted {
        /// The region.
        region: usize,
        /// The node.
        node: usize,
    },
    /// Something begins to be wrong.
    FaultBegan {
        /// Virtual milliseconds.
        at_ms: i64,
        /// Names it among those that are active.
        id: String,
        /// Its kind, such as `link cut`.
        kind: String,
        /// Where it is wrong.
        site: Site,
        /// What is wrong, with its numbers, in the words of whoever made it so;
        /// shown and not interpreted.
        fault: serde_json::Value,
    },
    /// It is wrong no more.
    FaultEnded {
        /// Virtual milliseconds.
        at_ms: i64,
        /// The fault.
        id: String,
        /// How often it had an effect; zero if that is not known.
        struck: u64,
    },
}

/// Where something is wrong. Regions are named by their places in the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Site {
    /// In every region.
    Everywhere,
    /// Inside a region, or at its front door.
    Region(usize),
    /// Between two regions, in one direction or both.
    Link(usize, usize),
}

impl Seen {
    /// When it was seen, if it says so, in milliseconds since the history began.
    pub fn at_ms(&self) -> Option<i64> {
        match self {
            Seen::Invoke(call) => Some(call.at_ms),
            Seen::Ok(returned) => Some(returned.at_ms),
            Seen::Fail { at_ms, .. }
            | Seen::Unknown { at_ms, .. }
            | Seen::Applied { at_ms, .. }
            | Seen::Saw { at_ms, .. }
            | Seen::Gone { at_ms, .. }
            | Seen::Told { at_ms, .. }
            | Seen::Healed { at_ms, .. }
            | Seen::FaultBegan { at_ms, .. }
            | Seen::FaultEnded { at_ms, .. } => Some(*at_ms),
            Seen::Restarted { .. } => None,
        }
    }

    /// Says another time, where it says one.
    pub fn set_at_ms(&mut self, now_ms: i64) {
        match self {
            Seen::Invoke(call) => call.at_ms = now_ms,
            Seen::Ok(returned) => returned.at_ms = now_ms,
            Seen::Fail { at_ms, .. }
            | Seen::Unknown { at_ms, .. }
            | Seen::Applied { at_ms, .. }
            | Seen::Saw { at_ms, .. }
            | Seen::Gone { at_ms, .. }
            | Seen::Told { at_ms, .. }
            | Seen::Healed { at_ms, .. }
            | Seen::FaultBegan { at_ms, .. }
            | Seen::FaultEnded { at_ms, .. } => *at_ms = now_ms,
            Seen::Restarted { .. } => {}
        }
    }

    /// The regions that it is about.
    pub fn regions(&self) -> impl Iterator<Item = usize> {
        let (one, other) = match self {
            Seen::Invoke(call) => (Some(call.region), call.to),
            Seen::Saw { region, .. }
            | Seen::Gone { region, .. }
            | Seen::Restarted { region, .. } => (Some(*region), None),
            Seen::Told { from, to, .. } => (Some(*from), Some(*to)),
            Seen::Healed { due, .. } => (due.len().checked_sub(1), None),
            Seen::FaultBegan { site, .. } => match site {
                Site::Everywhere => (None, None),
                Site::Region(region) => (Some(*region), None),
                Site::Link(from, to) => (Some(*from), Some(*to)),
            },
            Seen::Ok(_)
            | Seen::Fail { .. }
            | Seen::Unknown { .. }
            | Seen::Applied { .. }
            | Seen::FaultEnded { .. } => (None, None),
        };
        one.into_iter().chain(other)
    }

    /// The call that it is about, if it is about one.
    pub fn call(&self) -> Option<u64> {
        match self {
            Seen::Invoke(invoked) => Some(invoked.call),
            Seen::Ok(returned) => Some(returned.call),
            Seen::Fail { call, .. } | Seen::Unknown { call, .. } | Seen::Applied { call, .. } => {
                Some(*call)
            }
            Seen::Saw { .. }
            | Seen::Gone { .. }
            | Seen::Told { .. }
            | Seen::Healed { .. }
            | Seen::Restarted { .. }
            | Seen::FaultBegan { .. }
            | Seen::FaultEnded { .. } => None,
        }
    }
}

/// A client's call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invoked {
    /// Milliseconds since the history began.
    pub at_ms: i64,
    /// Names the call.
    pub call: u64,
    /// Who calls.
    pub client: usize,
    /// The region.
    pub region: usize,
    /// The node.
    pub node: usize,
    /// The operation.
    #[serde(with = "operation_name")]
    pub operation: Operation,
    /// The key, where there is one.
    pub key: Option<KeyRef>,
    /// The description that the call sets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The region that the call names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<usize>,
    /// What a ciphertext is known to hold, and the material that made it. Only
    /// a call that names key and context as they were when it was made has it.
    /// A live history has a keyed hash of what it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ciphertext: Option<(String, MaterialId)>,
    /// The material that the call imports, by the client's own number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Every link of the region is cut.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut_off: bool,
    /// The answer may come from a view that is older than the call, because a
    /// fault or a profile says so: it was the region's newest until this time,
    /// in milliseconds since the history began, and may not be older.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of_ms: Option<i64>,
}

/// What a call returned, as far as promises are about it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Returned {
    /// Milliseconds since the history began.
    pub at_ms: i64,
    /// The call.
    pub call: u64,
    /// The key state. Left out, with the description, where a fault has reads
    /// answered from an older view.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// The description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The material that was used, imported or deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub material: Option<MaterialId>,
    /// What was decrypted, or its keyed hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The material that was imported, by a number that follows from its bytes
    /// under a key of the recorder's; the client's own stands in the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
}

mod operation_name {
    //! An operation by AWS's name.

    use meridian_kms::Operation;
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(it: &Operation, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(it.name())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Operation, D::Error> {
        let name = String::deserialize(deserializer)?;
        Operation::from_name(&name)
            .ok_or_else(|| D::Error::custom(format!("{name:?} is no operation")))
    }
}
