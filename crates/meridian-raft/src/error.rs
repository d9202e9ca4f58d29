//! How a call on a [`Group`](crate::Group) can fail, and whether anything may have happened.

use crate::NodeId;

/// Why a proposal brought no outcome.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProposeError {
    /// Definite: this node does not lead, and nothing was proposed.
    #[error("not the leader")]
    NotLeader {
        /// Who leads, as far as this node knows.
        leader: Option<NodeId>,
    },
    /// Unknown: the entry may still commit, or never. Leadership was lost, or the node failed,
    /// while the proposal waited.
    #[error("the outcome is unknown: {0}")]
    Unknown(String),
    /// Definite: the group has been stopped, and nothing was proposed.
    #[error("stopped")]
    Stopped,
}

/// Why leadership could not be confirmed for a read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// This node does not lead.
    #[error("not the leader")]
    NotLeader {
        /// Who leads, as far as this node knows.
        leader: Option<NodeId>,
    },
    /// No majority confirmed the leadership in time.
    #[error("no majority confirms this leader: {0}")]
    NoQuorum(String),
    /// The group has been stopped or has failed.
    #[error("stopped")]
    Stopped,
}

/// Why a message of a peer was not answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HandleError {
    /// The message is not one this version understands.
    #[error("not a message of this version: {0}")]
    Malformed(String),
    /// This node could not carry it out, e.g. a chunk of a snapshot out of order.
    #[error("{0}")]
    Failed(String),
    /// The group has been stopped or has failed.
    #[error("stopped")]
    Stopped,
}

/// Why leadership was not handed over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransferError {
    /// This node does not lead.
    #[error("not the leader")]
    NotLeader {
        /// Who leads, as far as this node knows.
        leader: Option<NodeId>,
    },
    /// The target is not a member of the group.
    #[error("node {0} is not a member")]
    NotMember(NodeId),
    /// The group has been stopped or has failed.
    #[error("stopped")]
    Stopped,
}

/// Why the members of a group are not as wanted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MembershipError {
    /// This node does not lead.
    #[error("not the leader")]
    NotLeader {
        /// Who leads, as far as this node knows.
        leader: Option<NodeId>,
    },
    /// Another change has not been completed.
    #[error("the members are being changed already")]
    InProgress,
    /// The group cannot have these members, e.g. none.
    #[error("{0}")]
    Refused(String),
    /// Unknown: leadership was lost, or the node failed, in the middle.
    #[error("the outcome is unknown: {0}")]
    Unknown(String),
}
