//! What a node must be told before it can join its group.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::{DiskFaults, Memory};

/// Names a node within its group.
pub type NodeId = u64;

/// Everything [`Group::start`](crate::Group::start) needs to know about one node.
#[derive(Clone, Debug)]
pub struct GroupConfig {
    /// This node.
    pub node_id: NodeId,
    /// All voters of the group, this node included. Only the first start of a group reads it;
    /// from then on the log knows the members.
    pub members: BTreeSet<NodeId>,
    /// The group exists, and this node joins it or takes the place of a member whose disk is
    /// gone: with an empty directory it founds nothing, and votes only when it has caught up.
    /// Default `false`.
    pub joins: bool,
    /// Where log, vote and snapshots are kept; created when missing. `None` keeps everything in
    /// [`memory`](GroupConfig::memory): an ephemeral node.
    pub directory: Option<PathBuf>,
    /// The pretended disk of a node without a directory. Default: one of its own, so that all is
    /// forgotten when the node stops and nobody else has a clone.
    pub memory: Memory,
    /// Time between two heartbeats of a leader. Default 100 ms.
    pub heartbeat: Duration,
    /// Shortest silence after which a follower stands for election. Default 600 ms.
    pub election_timeout_min: Duration,
    /// Longest silence after which a follower stands for election. Default 1200 ms.
    pub election_timeout_max: Duration,
    /// Stand for election as soon as the node has started, without waiting for a time-out, so
    /// that a restarted group has a leader at once. At most one node of a group should. Default:
    /// the member with the smallest id does.
    pub preferred: bool,
    /// What "durable" means. Default [`Fsync::Durable`].
    pub fsync: Fsync,
    /// When the log is replaced by a snapshot.
    pub compaction: Compaction,
    /// What is wrong with the disk on purpose. Default: nothing.
    pub disk_faults: Option<Arc<dyn DiskFaults>>,
}

impl GroupConfig {
    /// The defaults for `node_id` in the group `members`, kept in memory.
    pub fn new(node_id: NodeId, members: impl IntoIterator<Item = NodeId>) -> Self {
        let members: BTreeSet<NodeId> = members.into_iter().collect();
        Self {
            preferred: members.first() == Some(&node_id),
            node_id,
            members,
            joins: false,
            directory: None,
            memory: Memory::default(),
            heartbeat: Duration::from_millis(100),
            election_timeout_min: Duration::from_millis(600),
            election_timeout_max: Duration::from_millis(1200),
            fsync: Fsync::Durable,
            compaction: Compaction::default(),
            disk_faults: None,
        }
    }

    /// Who founds the group.
    pub(crate) fn founder(&self) -> Option<NodeId> {
        self.members.first().copied()
    }
}

/// What must have happened to an entry or vote on disk before it is acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fsync {
    /// It is on the disk: it survives a power cut.
    #[default]
    Durable,
    /// It is with the operating system: it survives the death of the process, not of the
    /// machine. For large test suites.
    ProcessCrash,
}

/// When a node takes a snapshot and forgets the log behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compaction {
    /// Take a snapshot once this many bytes of log have been applied since the last one, or as
    /// many as the last one was long if that is more, so that the cost stays in proportion.
    /// Default 16 MiB.
    pub log_bytes: u64,
    /// Take a snapshot once this many entries have been applied since the last one, whatever
    /// their size. Default: no such limit.
    pub log_entries: Option<u64>,
    /// How many entries before the snapshot stay in the log, so that a peer only a little behind
    /// needs no snapshot. Default 4096.
    pub keep_entries: u64,
}

impl Default for Compaction {
    fn default() -> Self {
        Self {
            log_bytes: 16 * 1024 * 1024,
            log_entries: None,
            keep_entries: 4096,
        }
    }
}
