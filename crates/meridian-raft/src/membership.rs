//! Who is in the group, and how that changes: through the log, by joint consensus, so that at no
//! moment two majorities exist that do not know of each other.

use std::collections::BTreeSet;
use std::time::Duration;

use openraft::errors::{ChangeMembershipError, ClientWriteError, RaftError};

use crate::types::Types;
use crate::{Group, MembershipError, NodeId, ReadError};

/// How soon those who are to be the members are asked again whether they would vote.
const ASKED_AGAIN: Duration = Duration::from_millis(100);

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
    /// The change does not begin before all new nodes and a majority of `members` say that they
    /// would vote: a group of three of which one has yet to be filled can lose no other.
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
        self.read_index().await.map_err(unconfirmed)?;
        let inbox = &self.node.inbox;
        // One that leads no more will hear of it from the change itself.
        while self.status().is_leader() {
            let answers = inbox.recovery.ask_all(members.iter().copied()).await;
            let votes = |node: &NodeId| {
                *node == inbox.node_id || answers.get(node).is_some_and(|it| !it.behind)
            };
            let voting = members.iter().filter(|node| votes(node)).count();
            if 2 * voting > members.len() && new.iter().all(votes) {
                break;
            }
            tokio::time::sleep(ASKED_AGAIN).await;
        }
        Ok(())
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
