//! Who leads a region: elections, what becomes of the old leader's proposals,
//! and how the other nodes hear of it.

use crate::event::Event;
use crate::group::{NODES, Proposal};
use crate::planted::Planted;
use crate::world::World;

/// How long nodes wait before they elect another leader, in milliseconds.
const ELECTION_MS: (i64, i64) = (300, 1500);

impl World {
    /// A node hears who leads; one that led and does not any more stops.
    pub(crate) fn learn(&mut self, region: usize, node: usize) {
        let group = &mut self.groups[region];
        let Some(leader) = group.leader else { return };
        if !group.reach(leader, node) {
            return;
        }
        let index = group.log.len();
        let it = &mut group.nodes[node];
        it.knows = Some(leader);
        if it.leads && leader != node {
            it.new_session(false);
            let stranded = std::mem::take(&mut it.stranded);
            for proposal in stranded {
                self.proposal_ended(region, node, proposal.origin, None);
            }
        }
        let ms = self.hop_ms() + self.dice.between(0, 100);
        self.after(
            ms,
            Event::Follow {
                region,
                node,
                index,
            },
        );
    }

    /// The nodes of a region look for a leader.
    pub(crate) fn elect(&mut self, region: usize) {
        let group = &mut self.groups[region];
        group.electing = false;
        if group
            .leader
            .is_some_and(|leader| group.is_effective_leader(leader))
        {
            return;
        }
        let length = group.log.len();
        let candidates: Vec<usize> = (0..NODES)
            .filter(|node| group.nodes[*node].stored == length && group.has_majority(*node))
            .collect();
        if candidates.is_empty() {
            return self.plan_election(region);
        }
        let node = *self.dice.pick(&candidates);
        self.lead(region, node);
    }

    /// A node becomes the leader. Of what the last one proposed, a beginning
    /// survives on the new one and is committed now, unanswered; the rest is
    /// gone.
    pub(crate) fn lead(&mut self, region: usize, node: usize) {
        let pending: Vec<Proposal> = self.groups[region].pending.drain(..).collect();
        let survive = self.dice.index(pending.len() + 1);
        let group = &mut self.groups[region];
        group.leader = Some(node);
        group.disturbances += 1;
        group.last_commit_ms = self.now_ms;
        group.nodes[node].knows = Some(node);
        let stranded = std::mem::take(&mut group.nodes[node].stranded);
        group.nodes[node].new_session(true);
        self.log
            .note(self.now_ms, "leads", &[region as u64, node as u64], || {
                format!("{} node {}", self.names[region], node + 1)
            });
        drop(stranded);
        if self.planted == Some(Planted::FlushLies) {
            self.forget_last(region);
        }
        for (number, mut proposal) in pending.into_iter().enumerate() {
            if number < survive {
                proposal.answered = false;
                self.commit_one(region, proposal);
            }
        }
        let index = self.groups[region].log.len();
        let ms = self.hop_ms();
        self.after(
            ms,
            Event::Follow {
                region,
                node,
                index,
            },
        );
        for other in 0..NODES {
            if other != node {
                let ms = self.hop_ms();
                self.after(
                    ms,
                    Event::Learn {
                        region,
                        node: other,
                    },
                );
            }
        }
        for peer in 0..self.groups.len() {
            if peer != region {
                self.feed(region, node, peer);
            }
        }
        self.watch_time(region, node);
    }

    /// A disk that said "flushed" and was not loses the newest entry.
    pub(crate) fn forget_last(&mut self, region: usize) {
        let before = self.groups[region].agreed().clone();
        let group = &mut self.groups[region];
        if group.log.pop().is_none() {
            return;
        }
        group.states.pop();
        group.committed_ms.pop();
        let after = self.groups[region].agreed().clone();
        self.judge.observe(self.now_ms, region, &before, &after);
        let group = &mut self.groups[region];
        let length = group.log.len();
        for node in &mut group.nodes {
            node.applied = node.applied.min(length);
            node.stored = node.stored.min(length);
            node.snapshot = node.snapshot.min(length);
        }
    }

    pub(crate) fn plan_election(&mut self, region: usize) {
        if !self.groups[region].electing {
            self.groups[region].electing = true;
            let ms = self.dice.between(ELECTION_MS.0, ELECTION_MS.1);
            self.after(ms, Event::Elect(region));
        }
    }

    /// The leader hands over to another node that can lead, if there is one.
    pub(crate) fn change_leader(&mut self, region: usize) {
        let group = &self.groups[region];
        let length = group.log.len();
        let candidates: Vec<usize> = (0..NODES)
            .filter(|node| {
                group.leader != Some(*node)
                    && group.nodes[*node].stored == length
                    && group.has_majority(*node)
            })
            .collect();
        if !candidates.is_empty() {
            let node = *self.dice.pick(&candidates);
            self.lead(region, node);
        }
    }
}
