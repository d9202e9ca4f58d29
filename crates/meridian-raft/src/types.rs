//! openraft's type parameters, fixed once so that only this crate compiles its machinery.

use std::any::Any;
use std::fmt;

use bytes::Bytes;

openraft::declare_raft_types!(
    /// Entries are opaque bytes, outcomes are opaque values, nodes are bare numbers.
    pub(crate) Types:
        D = Data,
        R = Reply,
        Node = (),
        AsyncRuntime = crate::runtime::Runtime,
);

pub(crate) type LogId = openraft::type_config::alias::LogIdOf<Types>;
pub(crate) type LeaderId = openraft::type_config::alias::LeaderIdOf<Types>;
pub(crate) type Vote = openraft::type_config::alias::VoteOf<Types>;
pub(crate) type Entry = openraft::type_config::alias::EntryOf<Types>;
pub(crate) type Payload = openraft::EntryPayload<Data, u64, ()>;
pub(crate) type Membership = openraft::Membership<u64, ()>;
pub(crate) type StoredMembership = openraft::type_config::alias::StoredMembershipOf<Types>;
pub(crate) type SnapshotMeta = openraft::type_config::alias::SnapshotMetaOf<Types>;

/// What was proposed. Prints only its length: entries may be long and are nobody's business.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Data(pub(crate) Bytes);

impl fmt::Debug for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl fmt::Display for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// The machine's outcome on its way back to the proposer; `None` for entries that are not the
/// machine's.
pub(crate) struct Reply(pub(crate) Option<Box<dyn Any + Send + Sync>>);

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reply")
    }
}

/// Bytes an entry holds in memory and, about, on disk.
pub(crate) fn entry_bytes(entry: &Entry) -> u64 {
    const FRAME: u64 = 32;
    match &entry.payload {
        Payload::Normal(data) => data.0.len() as u64 + FRAME,
        Payload::Blank | Payload::Membership(_) => FRAME,
    }
}
