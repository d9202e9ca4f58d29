//! Who is in the group, and how that changes: through the log, by joint consensus, so that at no
//! moment two majorities exist that do not know of each other.

use std::collections::BTreeSet;

use openraft::RaftMetrics;
use openraft::errors::{ChangeMembershipError, ClientWriteError, RaftError};
use openraft::type_config::TypeConfigExt;

use crate::types::Types;
use crate::{Group, MembershipError, NodeId, ReadError};

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
    /// The change does not begin before a majority of `members` holds what the group has agreed:
    /// a group of three of which one has yet to be filled can lose no other.
    ///
    /// Put a time limit around it: a group whose majority is away does not answer. Dropping the
    /// future, or its failure in the middle, may leave new nodes as learners, or old and new
    /// members deciding together; another call completes the change.
    pub async fn change_members(&self, members: BTreeSet<NodeId>) -> Result<u64, MembershipError> {
        let known = self.members();
        let new: BTreeSet<NodeId> = members.difference(&known).copied().collect();
        for node in &new {
            let added = self.node.raft.add_learner(*node, (), false).await;
            added.map_err(refused)?;
        }
        self.wait_for_voters(&members, &new).await?;
        let changed = self.node.raft.change_membership(members, false).await;
        Ok(changed.map_err(refused)?.log_id.index)
    }

    /// Waits until all of `new` and a majority of `members` would vote: a change is written down
    /// before it is agreed, and if those who have yet to be filled were needed for the next
    /// election, there would be none.
    async fn wait_for_voters(
        &self,
        members: &BTreeSet<NodeId>,
        new: &BTreeSet<NodeId>,
    ) -> Result<(), MembershipError> {
        let index = self.read_index().await.map_err(unconfirmed)?;
        let committed = |metrics: &RaftMetrics<Types>| {
            metrics.replication.is_none()
                || metrics.local_committed.is_some_and(|at| at.index >= index)
        };
        self.wait_until(committed, "committed").await?;
        let asked_at = Types::now();
        let ready = |metrics: &RaftMetrics<Types>| {
            let (Some(matching), Some(heard)) = (&metrics.replication, &metrics.heartbeat) else {
                // This node leads no more, as the next step will say.
                return true;
            };
            // A message sent since tells what is committed: by that a node knows that it has
            // been filled (see `CatchUp`).
            let votes = |node: &NodeId| {
                let holds = matching.get(node).copied().flatten();
                let answered = heard.get(node).copied().flatten();
                *node == metrics.id
                    || holds.is_some_and(|at| at.index >= index)
                        && answered.is_some_and(|sent_at| *sent_at > asked_at)
            };
            let voting = members.iter().filter(|node| votes(node)).count();
            2 * voting > members.len() && new.iter().all(votes)
        };
        self.wait_until(ready, "filled").await
    }

    async fn wait_until(
        &self,
        reached: impl Fn(&RaftMetrics<Types>) -> bool + Send,
        what: &str,
    ) -> Result<(), MembershipError> {
        let waited = self.node.raft.wait(None).metrics(reached, what).await;
        waited
            .map(drop)
            .map_err(|error| MembershipError::Unknown(error.to_string()))
    }
}

/// Nothing has been changed yet.
fn unconfirmed(error: ReadError) -> MembershipError {
    match error {
        ReadError::NotLeader { leader } => MembershipError::NotLeader { leader },
        ReadError::NoQuorum(_) => MembershipError::NotLeader { leader: None },
        ReadError::Stopped => MembershipError::Unknown(error.to_string()),
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
