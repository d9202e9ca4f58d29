//! What happens inside a region's group: proposals, commits, and followers.

use meridian_chaos::ProposalFate;
use meridian_judge::ONE_STATE_PER_INDEX;
use meridian_kms::{Change, Outcome};

use crate::event::{Event, Origin, Step, Waiting};
use crate::group::{NODES, Proposal};
use crate::world::{Chance, World};
use meridian_judge::history::Seen;

/// How long a proposal may take before its outcome counts as unknown, in
/// milliseconds.
pub(crate) const PROPOSE_TIMEOUT_MS: i64 = 10_000;

/// This node does not lead; nothing happened.
pub(crate) struct NotLeader;

impl World {
    /// A node proposes a change with its clock.
    pub(crate) fn propose(
        &mut self,
        region: usize,
        node: usize,
        change: Change,
        origin: Origin,
    ) -> Result<(), NotLeader> {
        if !self.groups[region].nodes[node].leads {
            return Err(NotLeader);
        }
        let id = self.new_id();
        let disks_ms = self.groups[region].disks_ms(node);
        let commit_ms = self.dice.between(1, 8) + self.hop_ms() + disks_ms;
        let name = self.names[region].as_str();
        let mut chance = Chance {
            dice: &mut self.dice,
            coverage: &mut self.coverage,
            queue: &mut self.queue,
            faults: &self.faults,
            now_ms: self.now_ms,
        };
        let fate = self.faults.proposal(name, self.now_ms, &mut chance);
        let group = &mut self.groups[region];
        let mut proposal = Proposal {
            id,
            entry: group.entry(node, self.now_ms, change),
            origin,
            answered: fate == ProposalFate::Answered,
        };
        if fate == ProposalFate::Lost {
            if let Origin::Acknowledgement { .. } = &proposal.origin {
                let ended = Event::ProposalTimeout {
                    region,
                    node,
                    origin: proposal.origin,
                };
                self.after(PROPOSE_TIMEOUT_MS, ended);
            }
            return Ok(());
        }
        if group.leader != Some(node) {
            proposal.answered = false;
            group.nodes[node].stranded.push(proposal);
            return Ok(());
        }
        let at_ms = group.last_commit_ms.max(self.now_ms + commit_ms);
        group.last_commit_ms = at_ms;
        group.pending.push_back(proposal);
        self.agenda.plan(
            at_ms,
            Event::Commit {
                region,
                proposal: id,
            },
        );
        Ok(())
    }

    /// The leader's log up to this proposal is on a majority.
    pub(crate) fn commit(&mut self, region: usize, proposal: u64) {
        let group = &self.groups[region];
        if !group.pending.iter().any(|it| it.id == proposal) {
            return;
        }
        match group.leader {
            Some(leader) if group.is_effective_leader(leader) => {}
            // Waits for the majority; an election decides otherwise.
            Some(_) | None => {
                return self.after(100, Event::Commit { region, proposal });
            }
        }
        while let Some(next) = self.groups[region].pending.pop_front() {
            let last = next.id == proposal;
            self.commit_one(region, next);
            if last {
                break;
            }
        }
    }

    pub(crate) fn commit_one(&mut self, region: usize, proposal: Proposal) {
        let Proposal {
            entry,
            origin,
            answered,
            ..
        } = proposal;
        let group = &mut self.groups[region];
        let before = group.agreed().clone();
        let mut after = before.clone();
        let outcome = after.apply(&entry);
        group.log.push(entry);
        group.committed_ms.push(self.now_ms);
        group.states.push(after);
        let index = group.log.len();
        let number = index as u64;
        self.log
            .note(self.now_ms, "committed", &[region as u64, number], || {
                let change = &self.groups[region].log[index - 1].change;
                format!(
                    "{} index {index}: {}",
                    self.names[region],
                    crate::words::of_change(change)
                )
            });
        self.judge_commit(region, &before, &origin, &outcome);
        let group = &mut self.groups[region];
        let Some(leader) = group.leader else { return };
        for node in 0..NODES {
            if group.reach(leader, node) {
                group.nodes[node].stored = index;
            }
        }
        self.apply(region, leader, index);
        for node in 0..NODES {
            if node != leader && self.groups[region].reach(leader, node) {
                let ms = self.hop_ms() + self.dice.between(0, 30);
                self.after(
                    ms,
                    Event::Follow {
                        region,
                        node,
                        index,
                    },
                );
            }
        }
        self.proposal_ended(region, leader, origin, answered.then_some((index, outcome)));
    }

    fn judge_commit(
        &mut self,
        region: usize,
        before: &meridian_kms::Region,
        origin: &Origin,
        outcome: &Outcome,
    ) {
        let now_ms = self.now_ms;
        if let Origin::Call(call) = origin {
            let effect = matches!(outcome, Outcome::Answered(Ok(_)));
            self.judge.see(&Seen::Applied {
                at_ms: now_ms,
                call: *call,
                effect,
            });
        }
        let after = self.groups[region].agreed().clone();
        self.judge.observe(now_ms, region, before, &after);
    }

    /// A proposal's origin hears how it ended; nothing when that is unknown.
    pub(crate) fn proposal_ended(
        &mut self,
        region: usize,
        node: usize,
        origin: Origin,
        committed: Option<(usize, Outcome)>,
    ) {
        match (origin, committed) {
            (Origin::Call(call), Some((index, Outcome::Answered(answer)))) => {
                self.write_answered(call, node, index, answer);
            }
            (Origin::Call(_), _) => {}
            (Origin::Push { push, from }, Some(_)) => self.reply_committed(region, from, push),
            (Origin::Push { .. }, None) => {}
            (
                Origin::Acknowledgement {
                    peer,
                    session,
                    positions,
                },
                _,
            ) => {
                let it = &mut self.groups[region].nodes[node];
                if it.session == session && it.leads {
                    it.feeding[peer].acknowledgement_ended(&positions);
                    self.feed(region, node, peer);
                }
            }
            (Origin::Ticker { session }, _) => {
                let it = &mut self.groups[region].nodes[node];
                if it.session == session {
                    it.ticking_since_ms = None;
                    self.last_due_ms = self.now_ms;
                    self.watch_time(region, node);
                }
            }
            (Origin::Operator, _) => {}
        }
    }

    /// A node hears of committed entries.
    pub(crate) fn follow(&mut self, region: usize, node: usize, index: usize) {
        let group = &self.groups[region];
        let Some(leader) = group.leader else { return };
        if !group.reach(leader, node) {
            return;
        }
        self.groups[region].nodes[node].knows = Some(leader);
        // What it hears of may be gone since, from disks that lie.
        let index = index.min(self.groups[region].log.len());
        self.apply(region, node, index);
    }

    /// A node applies the log up to an index, and does what follows.
    pub(crate) fn apply(&mut self, region: usize, node: usize, index: usize) {
        if index <= self.groups[region].nodes[node].applied {
            return;
        }
        if let Err(difference) = self.groups[region].apply_until(node, index) {
            self.judge.object(ONE_STATE_PER_INDEX, difference);
        }
        let it = &mut self.groups[region].nodes[node];
        it.past.remember(self.now_ms, it.applied);
        let waiting = std::mem::take(&mut self.groups[region].nodes[node].waiting);
        let (ready, rest): (Vec<_>, Vec<_>) = waiting
            .into_iter()
            .partition(|(wanted, _)| *wanted <= index);
        self.groups[region].nodes[node].waiting = rest;
        for (_, waiting) in ready {
            self.waited(region, node, waiting);
        }
        if self.groups[region].nodes[node].leads {
            for peer in 0..self.groups.len() {
                if peer != region {
                    self.feed(region, node, peer);
                }
            }
            self.watch_time(region, node);
        }
    }

    /// Waits until a node has applied an index.
    pub(crate) fn wait(&mut self, region: usize, node: usize, index: usize, waiting: Waiting) {
        let it = &mut self.groups[region].nodes[node];
        if it.condition.down {
            return;
        }
        if it.applied >= index {
            self.waited(region, node, waiting);
        } else {
            it.waiting.push((index, waiting));
        }
    }

    fn waited(&mut self, region: usize, node: usize, waiting: Waiting) {
        match waiting {
            Waiting::Call(call, purpose) => {
                self.groups[region].nodes[node].caught_up = true;
                self.after(0, Event::Call(call, Step::Confirmed(node, purpose)));
            }
            Waiting::Answer(call) => self.answer_client(call),
            Waiting::Question(asked) => self.answer_question(region, node, &asked),
        }
    }
}
