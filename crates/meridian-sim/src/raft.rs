//! What happens inside a region's group: proposals, commits, followers,
//! elections, and nodes that die and come back.

use meridian_chaos::{Condition, ProposalFate};
use meridian_kms::{Change, Outcome};

use crate::event::{Event, Origin, Step, Waiting};
use crate::group::{NODES, Proposal};
use crate::judge::history::Seen;
use crate::planted::Planted;
use crate::world::{Chance, World};

/// How long nodes wait before they elect another leader, in milliseconds.
const ELECTION_MS: (i64, i64) = (300, 1500);

/// How long a proposal may take before its outcome counts as unknown, in
/// milliseconds.
const PROPOSE_TIMEOUT_MS: i64 = 10_000;

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
        let commit_ms = self.dice.between(1, 8) + self.hop_ms();
        let name = self.names[region].as_str();
        let mut chance = Chance {
            dice: &mut self.dice,
            coverage: &mut self.coverage,
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

    fn commit_one(&mut self, region: usize, proposal: Proposal) {
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
        self.apply(region, node, index);
    }

    /// A node applies the log up to an index, and does what follows.
    fn apply(&mut self, region: usize, node: usize, index: usize) {
        if index <= self.groups[region].nodes[node].applied {
            return;
        }
        if let Err(difference) = self.groups[region].apply_until(node, index) {
            self.judge.object("one state per index", difference);
        }
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
    fn lead(&mut self, region: usize, node: usize) {
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
    fn forget_last(&mut self, region: usize) {
        let before = self.groups[region].agreed().clone();
        let group = &mut self.groups[region];
        if group.log.pop().is_none() {
            return;
        }
        group.states.pop();
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

    fn plan_election(&mut self, region: usize) {
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

    /// The faults have changed: every node is in the condition that they make.
    pub(crate) fn settle_conditions(&mut self) {
        for region in 0..self.groups.len() {
            let disturbances = self.groups[region].disturbances;
            for node in 0..NODES {
                let name = self.names[region].as_str();
                let condition = self.faults.condition(name, node as u64 + 1, self.now_ms);
                let before = self.groups[region].nodes[node].condition;
                if condition != before {
                    self.condition_changed(region, node, before, condition);
                }
            }
            if self.groups[region].disturbances != disturbances {
                for node in 0..NODES {
                    let ms = self.hop_ms();
                    self.after(ms, Event::Learn { region, node });
                }
            }
            let group = &self.groups[region];
            if !group
                .leader
                .is_some_and(|leader| group.is_effective_leader(leader))
            {
                self.plan_election(region);
            }
        }
    }

    fn condition_changed(
        &mut self,
        region: usize,
        node: usize,
        before: Condition,
        condition: Condition,
    ) {
        let group = &mut self.groups[region];
        group.disturbances += 1;
        let it = &mut group.nodes[node];
        if condition.clock_frozen && !before.clock_frozen {
            it.clock_stopped_at_ms = self.now_ms;
        }
        it.condition = condition;
        if condition.down && !before.down {
            it.new_session(false);
            it.waiting.clear();
            it.stranded.clear();
            it.knows = None;
            if group.leader == Some(node) {
                group.leader = None;
            }
            self.calls_die(region, node);
        }
        if !condition.down && before.down {
            self.restart(region, node);
        }
        if self.groups[region].nodes[node].leads {
            self.watch_time(region, node);
        }
    }

    /// A node starts again: from its last snapshot, and as much of the log as
    /// it knows to be committed.
    fn restart(&mut self, region: usize, node: usize) {
        let it = &mut self.groups[region].nodes[node];
        let known = it.applied - it.snapshot;
        it.applied = it.snapshot + self.dice.index(known + 1);
        it.caught_up = false;
        let skips = self.planted == Some(Planted::ReplaySkips);
        self.judge.restarted(region, node);
        if let Err(difference) = self.groups[region].replay(node, skips) {
            self.judge.object("one state per index", difference);
        }
    }

    /// A leader plans what is due, and when to look again.
    pub(crate) fn watch_time(&mut self, region: usize, node: usize) {
        let group = &mut self.groups[region];
        if !group.nodes[node].leads || group.nodes[node].ticking_since_ms.is_some() {
            return;
        }
        let view = group.view(node).clone();
        let Some(deadline) = view.next_deadline() else {
            return;
        };
        let now = group.clock(node, self.now_ms);
        if deadline > now {
            // The clock may be set meanwhile: a ticker looks again by then. A
            // deadline beyond the run waits for time travel.
            let left_ms = deadline.0 - now.0;
            let at_ms = self.now_ms + left_ms;
            if left_ms <= 600_000 && group.nodes[node].ticks_at_ms != Some(at_ms) {
                group.nodes[node].ticks_at_ms = Some(at_ms);
                self.agenda.plan(at_ms, Event::Tick { region, node });
            }
            return;
        }
        let changes = view.plan_due(now, &group.vault, &mut group.entropy);
        let session = group.nodes[node].session;
        let last = changes.len().saturating_sub(1);
        for (number, change) in changes.into_iter().enumerate() {
            let origin = if number == last {
                self.groups[region].nodes[node].ticking_since_ms = Some(self.now_ms);
                Origin::Ticker { session }
            } else {
                Origin::Operator
            };
            if self.propose(region, node, change, origin).is_err() {
                self.groups[region].nodes[node].ticking_since_ms = None;
                return;
            }
        }
        // A proposal that is lost is not waited for for ever.
        self.after(PROPOSE_TIMEOUT_MS, Event::Tick { region, node });
    }

    /// A ticker looks again.
    pub(crate) fn tick(&mut self, region: usize, node: usize) {
        let it = &mut self.groups[region].nodes[node];
        if it.condition.down || it.condition.paused {
            return self.after(50, Event::Tick { region, node });
        }
        it.ticks_at_ms = None;
        let waits_until_ms = it.ticking_since_ms.map(|since| since + PROPOSE_TIMEOUT_MS);
        if waits_until_ms.is_some_and(|until| until > self.now_ms) {
            return;
        }
        it.ticking_since_ms = None;
        self.watch_time(region, node);
    }

    /// The entry that an operator's time travel commits at a region's leader.
    pub(crate) fn advance_clock(&mut self, region: usize, ms: i64) {
        if let Some(leader) = self.groups[region].leader {
            let change = Change::AdvanceClock { ms };
            // An operator whose region has no leader tries another time.
            let _ = self.propose(region, leader, change, Origin::Operator);
        }
    }
}
