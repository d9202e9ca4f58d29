//! Who is in the group, and how that changes: through the log, by joint consensus, so that at no
//! moment two majorities exist that do not know of each other.

use std::collections::BTreeSet;

use openraft::RaftMetrics;
use openraft::errors::{ChangeMembershipError, ClientWriteError, RaftError};

use crate::types::Types;
use crate::{Group, MembershipError, NodeId};

impl<O: Send + Sync + 'static> Group<O> {
    /// The voters of the group as this node knows them; while they change, the old and the new.
    pub fn members(&self) -> BTreeSet<NodeId> {
        self.node.raft.voter_ids().collect()
    }

    /// Makes `members` the voters of the group, and returns the index at which they are. Only a
    /// leader can.
    ///
    /// A node that is new must be running, with an empty directory and a configuration that says
    /// that it [`joins`](crate::GroupConfig::joins); it is first filled as a learner, which takes
    /// as long as it takes. A node that is left out is told nothing more, and is to be stopped.
    ///
    /// Put a time limit around it: a group whose majority is away does not answer. Dropping the
    /// future, or its failure in the middle, may leave new nodes as learners, or old and new
    /// members deciding together; another call completes the change.
    pub async fn change_members(&self, members: BTreeSet<NodeId>) -> Result<u64, MembershipError> {
        let known = self.members();
        for node in members.difference(&known) {
            let added = self.node.raft.add_learner(*node, (), false).await;
            let added = added.map_err(refused)?.log_id;
            // openraft would wait only until it is less than thousands of entries behind; as a
            // member it would stand in the way, for it votes when it has caught up.
            let filled = |metrics: &RaftMetrics<Types>| match &metrics.replication {
                Some(matching) => matching.get(node).is_some_and(|at| *at >= Some(added)),
                // This node leads no more, as the next step will say.
                None => true,
            };
            let waited = self.node.raft.wait(None).metrics(filled, "filled").await;
            waited.map_err(|error| MembershipError::Unknown(error.to_string()))?;
        }
        let changed = self.node.raft.change_membership(members, false).await;
        Ok(changed.map_err(refused)?.log_id.index)
    }
}

fn refused(error: RaftError<Types, ClientWriteError<Types>>) -> MembershipError {
    match error {
        RaftError::APIError(ClientWriteError::ForwardToLeader(forward)) => {
            MembershipError::NotLeader {
                leader: forward.leader_id,
            }
        }
        RaftError::APIError(ClientWriteError::ChangeMembershipError(error)) => match error {
            ChangeMembershipError::InProgress(_) => MembershipError::InProgress,
            other => MembershipError::Refused(other.to_string()),
        },
        other => MembershipError::Unknown(other.to_string()),
    }
}
