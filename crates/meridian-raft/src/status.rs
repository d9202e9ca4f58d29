//! What a node knows about its group at one moment.

use crate::NodeId;

/// A node's picture of its group. Indexes count entries of the log from 0, which is always the
/// initial membership: no entry of the machine has index 0, and 0 also says "nothing yet".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// This node.
    pub node_id: NodeId,
    /// The term this node is in.
    pub term: u64,
    /// Who leads, as far as this node knows. A leader is named by term *and* node: within one
    /// term a second candidate may supersede the first.
    pub leader: Option<NodeId>,
    /// Index of the last entry in this node's log.
    pub last_log: u64,
    /// Index of the last entry known to be committed.
    pub committed: u64,
    /// Index of the last entry applied to the machine.
    pub applied: u64,
    /// Index of the last entry covered by this node's snapshot.
    pub snapshot: Option<u64>,
    /// Index of the last entry removed from the front of the log.
    pub purged: Option<u64>,
    /// Bytes of all entries in the log.
    pub log_bytes: u64,
    /// How often the log was made durable since the node started.
    pub syncs: u64,
    /// Why the node's Raft core or disk has failed for good, if it has. Only a restart helps.
    pub fatal: Option<String>,
}

impl Status {
    /// Whether this node takes itself for the leader. A deposed leader may still do so for a
    /// moment; [`Group::read_index`](crate::Group::read_index) confirms.
    pub fn is_leader(&self) -> bool {
        self.leader == Some(self.node_id)
    }
}
