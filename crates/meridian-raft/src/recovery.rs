//! What a node that has lost its disk asks the other members before it takes anything from a
//! leader.
//!
//! It has acknowledged entries and granted votes that it does not remember, so the first leader
//! that it hears of may be one that it has helped to replace, and what that leader has committed
//! may be less than it has helped to commit. As in the recovery of Viewstamped Replication (Liskov
//! and Cowling, 2012), it asks everybody. Whatever a majority with this node in it has done, one of
//! the others of that majority knows; so once it has heard from at least one of the others of every
//! such majority, and the leader's vote is the highest of all answers, no newer leader can have
//! been elected with its help, and everything that it has ever acknowledged was in that leader's
//! log when the leader answered.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use tokio::sync::Mutex;

use crate::record::{decode_versioned, encode_versioned};
use crate::types::{LogId, Vote};
use crate::wire::{Known, kind};
use crate::{NodeId, Transport};

/// See the module.
pub(crate) struct Recovery {
    pub(crate) node_id: NodeId,
    pub(crate) transport: Arc<dyn Transport>,
    /// How long one answer may take.
    pub(crate) timeout: Duration,
    /// One round at a time.
    pub(crate) round: Mutex<()>,
}

/// Where the group stood when it was asked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Standpoint {
    /// The vote of the leader: nothing is to be taken from an older one.
    pub(crate) leader: Vote,
    /// The last index in its log.
    pub(crate) last: u64,
}

impl Standpoint {
    /// Whether who holds everything up to this committed entry holds everything that the group had
    /// committed when it was asked: by its index, or because a later leader has committed it.
    pub(crate) fn is_reached(&self, committed: LogId) -> bool {
        committed.index >= self.last || committed.leader_id > self.leader.leader_id
    }
}

impl Recovery {
    /// Asks this leader and all others. Nothing when they cannot tell, or are being asked already.
    pub(crate) async fn ask(&self, leader: NodeId) -> Option<Standpoint> {
        let _round = self.round.try_lock().ok()?;
        let first = self.ask_one(leader).await?;
        let voters: BTreeSet<NodeId> = first.voters.iter().flatten().copied().collect();
        let others = voters.into_iter().filter(|node| *node != leader);
        let mut answers = self.ask_all(others).await;
        answers.insert(leader, first);
        standpoint(self.node_id, leader, &answers)
    }

    /// What these other nodes know; those who do not answer in time are left out.
    pub(crate) async fn ask_all(
        &self,
        nodes: impl Iterator<Item = NodeId>,
    ) -> BTreeMap<NodeId, Known> {
        let others = nodes.filter(|node| *node != self.node_id);
        let asked = others.map(|node| async move { Some((node, self.ask_one(node).await?)) });
        join_all(asked).await.into_iter().flatten().collect()
    }

    async fn ask_one(&self, node: NodeId) -> Option<Known> {
        let payload = encode_versioned(&()).into();
        let call = self
            .transport
            .call(node, kind::RECOVERY, payload, self.timeout);
        let answer = tokio::time::timeout(self.timeout, call).await.ok()?.ok()?;
        decode_versioned(&answer).ok()
    }
}

/// What follows from the answers for the node that asked.
fn standpoint(
    asker: NodeId,
    leader: NodeId,
    answers: &BTreeMap<NodeId, Known>,
) -> Option<Standpoint> {
    let told = answers.get(&leader).filter(|it| it.leads && !it.behind)?;
    let vote = Vote::from(told.ballot);
    let is_newest = answers.values().all(|it| vote >= Vote::from(it.ballot));
    let remembers = |node: &&NodeId| answers.get(*node).is_some_and(|it| !it.behind);
    let is_enough = |voters: &BTreeSet<NodeId>| {
        !voters.contains(&asker)
            || voters.iter().filter(remembers).count() >= voters.len().div_ceil(2)
    };
    let last = told.last.map_or(0, |last| LogId::from(last).index);
    (is_newest && told.voters.iter().all(is_enough)).then_some(Standpoint { leader: vote, last })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::id;

    fn known(voters: &[NodeId], vote: Vote) -> Known {
        Known {
            ballot: vote.into(),
            leads: vote.committed && vote.leader_id.node_id == 1,
            behind: false,
            last: Some(id(1, 1, 9).into()),
            voters: vec![voters.iter().copied().collect()],
        }
    }

    /// Node 2 asks, of these voters, all but those who are away; node 1 leads in term 4.
    fn asked(voters: &[NodeId], away: &[NodeId]) -> BTreeMap<NodeId, Known> {
        let there = voters
            .iter()
            .filter(|node| **node != 2 && !away.contains(node));
        there
            .map(|node| (*node, known(voters, Vote::new_committed(4, 1))))
            .collect()
    }

    #[test]
    fn somebody_of_every_majority_with_the_asker_has_to_answer() {
        let enough =
            |voters: &[NodeId], away: &[NodeId]| standpoint(2, 1, &asked(voters, away)).is_some();
        assert!(enough(&[1, 2], &[]));
        assert!(enough(&[1, 2, 3], &[]));
        assert!(!enough(&[1, 2, 3], &[3]));
        assert!(enough(&[1, 2, 3, 4], &[3]));
        assert!(enough(&[1, 2, 3, 4, 5], &[3]));
        assert!(!enough(&[1, 2, 3, 4, 5], &[3, 4]));
        assert!(enough(&[1, 3, 4], &[3, 4]), "it has no part in any of them");
        let expected = Standpoint {
            leader: Vote::new_committed(4, 1),
            last: 9,
        };
        assert_eq!(standpoint(2, 1, &asked(&[1, 2, 3], &[])), Some(expected));
    }

    #[test]
    fn while_the_members_change_both_sets_have_to_answer() {
        let mut answers = asked(&[1, 2, 3], &[]);
        let next: BTreeSet<NodeId> = [2, 3, 4, 5, 6].into();
        answers.get_mut(&1).unwrap().voters.push(next);
        assert_eq!(standpoint(2, 1, &answers), None);
        for node in [4, 5] {
            answers.insert(node, known(&[], Vote::new_committed(4, 1)));
        }
        assert!(standpoint(2, 1, &answers).is_some());
    }

    #[test]
    fn a_leader_that_was_replaced_is_not_believed() {
        let mut answers = asked(&[1, 2, 3], &[]);
        answers.insert(3, known(&[1, 2, 3], Vote::new(5, 3)));
        assert_eq!(standpoint(2, 1, &answers), None);
        let mut answers = asked(&[1, 2, 3], &[]);
        answers.insert(1, known(&[1, 2, 3], Vote::new(4, 1)));
        assert_eq!(standpoint(2, 1, &answers), None, "it leads no more");
    }

    #[test]
    fn what_the_leader_has_committed_so_far_is_not_all() {
        let standpoint = Standpoint {
            leader: Vote::new_committed(4, 1),
            last: 9,
        };
        assert!(!standpoint.is_reached(id(3, 2, 8)));
        assert!(!standpoint.is_reached(id(4, 1, 8)));
        assert!(standpoint.is_reached(id(4, 1, 9)));
        assert!(
            standpoint.is_reached(id(5, 3, 8)),
            "it had all of them when it was elected"
        );
    }

    #[test]
    fn who_has_lost_as_much_is_of_no_help() {
        let mut answers = asked(&[1, 2, 3], &[]);
        answers.get_mut(&3).unwrap().behind = true;
        assert_eq!(standpoint(2, 1, &answers), None);
    }
}
