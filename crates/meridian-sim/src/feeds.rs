//! How facts travel: the feeder of a leader pushes what is due, and the other
//! region's leader commits it.

use std::rc::Rc;

use meridian_chaos::Telling;
use meridian_kms::Change;
use meridian_kms::replication::about::About;

use crate::event::{Body, Event, Message, Origin};
use crate::planted::Planted;
use crate::world::{Chance, World};

/// How long a push may take before it counts as lost, in milliseconds.
const PUSH_TIMEOUT_MS: i64 = 5_000;

/// A batch of facts that has not been answered.
pub(crate) struct Push {
    region: usize,
    node: usize,
    peer: usize,
    session: u64,
    positions: Vec<u64>,
}

impl World {
    /// A leader's feeder does what it can do now for one peer.
    pub(crate) fn feed(&mut self, region: usize, node: usize, peer: usize) {
        let now_ms = self.now_ms.unsigned_abs();
        let group = &mut self.groups[region];
        let it = &mut group.nodes[node];
        let session = it.session;
        if !it.leads || it.condition.down {
            return;
        }
        if it.condition.paused {
            return self.after(
                50,
                Event::Feed {
                    region,
                    node,
                    peer,
                    session,
                },
            );
        }
        if let Some(positions) = it.feeding[peer].acknowledgement(now_ms) {
            let change = Change::FeedAcknowledged {
                peer: self.names[peer].clone(),
                positions: positions.clone(),
            };
            let origin = Origin::Acknowledgement {
                peer,
                session,
                positions: positions.clone(),
            };
            if self.propose(region, node, change, origin).is_err() {
                let feeding = &mut self.groups[region].nodes[node].feeding[peer];
                feeding.acknowledgement_ended(&positions);
            }
        }
        loop {
            let group = &mut self.groups[region];
            let it = &mut group.nodes[node];
            let view = it.own.as_ref().unwrap_or(&group.states[it.applied]);
            if view.feeds().get(&self.names[peer]).is_none() {
                break;
            }
            let name = &self.names[peer];
            let (vault, entropy) = (&group.vault, &mut group.entropy);
            let way = (self.names[region].as_str(), name.as_str());
            let (faults, virtual_ms) = (&self.faults, self.now_ms);
            let mut chance = Chance {
                dice: &mut self.dice,
                coverage: &mut self.coverage,
                queue: &mut self.queue,
                faults,
                now_ms: virtual_ms,
            };
            let mut withheld =
                |about: &About| faults.withholds(way, &telling(about), virtual_ms, &mut chance);
            let withheld: Option<&mut dyn FnMut(&About) -> bool> = match faults.is_empty() {
                true => None,
                false => Some(&mut withheld),
            };
            let feeding = &mut it.feeding[peer];
            let batch = feeding.next_batch(view, name, vault, entropy, now_ms, withheld);
            match batch {
                Ok(Some(batch)) => {
                    let facts = batch.facts;
                    self.push(region, node, peer, session, batch.positions, facts);
                }
                Ok(None) => break,
                Err(error) => {
                    let what = format!("facts cannot be sealed for the peer: {error}");
                    return self.judge.object("R7 convergence", what);
                }
            }
        }
        if let Some(at_ms) = self.groups[region].nodes[node].feeding[peer].wake_at_ms() {
            let at_ms = i64::try_from(at_ms).unwrap_or(i64::MAX);
            self.agenda.plan(
                at_ms.max(self.now_ms + 1),
                Event::Feed {
                    region,
                    node,
                    peer,
                    session,
                },
            );
        }
    }

    fn push(
        &mut self,
        region: usize,
        node: usize,
        peer: usize,
        session: u64,
        positions: Vec<u64>,
        facts: Vec<Vec<u8>>,
    ) {
        let id = self.new_id();
        let moot = facts.is_empty();
        let push = Push {
            region,
            node,
            peer,
            session,
            positions,
        };
        self.pushes.insert(id, push);
        if moot {
            return self.push_ended(id, true);
        }
        let timeout_ms = match self.planted {
            Some(Planted::LossNoticedLate) => 60_000,
            _ => PUSH_TIMEOUT_MS,
        };
        self.after(timeout_ms, Event::PushTimeout(id));
        self.send(Message {
            from: region,
            to: peer,
            body: Body::Facts {
                push: id,
                facts: Rc::new(facts),
            },
        });
    }

    /// Every leader's feeder looks again: what a fault withheld may leave.
    pub(crate) fn feed_all(&mut self) {
        for region in 0..self.groups.len() {
            for node in 0..self.groups[region].nodes.len() {
                for peer in 0..self.groups.len() {
                    if peer != region && self.groups[region].nodes[node].leads {
                        self.feed(region, node, peer);
                    }
                }
            }
        }
    }

    /// A push has ended at its sender: committed by the peer, or not known.
    pub(crate) fn push_ended(&mut self, id: u64, committed: bool) {
        let Some(push) = self.pushes.remove(&id) else {
            return;
        };
        let it = &mut self.groups[push.region].nodes[push.node];
        if it.session != push.session || it.condition.down {
            return;
        }
        let now_ms = self.now_ms.unsigned_abs();
        it.feeding[push.peer].pushed(&push.positions, committed, now_ms);
        self.feed(push.region, push.node, push.peer);
    }

    /// Facts arrive: a node that believes to lead plans and proposes them.
    pub(crate) fn take_facts(&mut self, from: usize, to: usize, id: u64, facts: &[Vec<u8>]) {
        let Some(node) = self.answering_leader(to) else {
            return self.reply(to, from, Body::NotCommitted(id));
        };
        let group = &mut self.groups[to];
        let view = group.view(node).clone();
        let bytes = facts.iter().map(Vec::as_slice);
        let planned = view.plan_facts(&self.names[from], bytes, &group.vault, &mut group.entropy);
        let change = match planned {
            Ok(change) => change,
            Err(error) => {
                let what = format!("facts from {} are refused: {error}", self.names[from]);
                return self.judge.object("R7 convergence", what);
            }
        };
        if let Change::Facts { facts: read, .. } = &change {
            for (fact, bytes) in read.iter().zip(facts) {
                let canary = crate::wrapping::has_canary(bytes);
                self.judge.told(self.now_ms, from, to, fact, canary);
            }
        }
        let origin = Origin::Push { push: id, from };
        if self.propose(to, node, change, origin).is_err() {
            self.reply(to, from, Body::NotCommitted(id));
        }
    }

    /// The node that a message from outside ends up at: whichever answers, or
    /// the leader that it names.
    fn answering_leader(&mut self, region: usize) -> Option<usize> {
        let group = &self.groups[region];
        let answers = |node: usize| {
            let condition = group.nodes[node].condition;
            !condition.down && !condition.paused
        };
        let mut asked: Vec<usize> = (0..group.nodes.len())
            .filter(|node| answers(*node))
            .collect();
        if asked.is_empty() {
            return None;
        }
        let turn = self.dice.index(asked.len());
        asked.rotate_left(turn);
        let group = &self.groups[region];
        asked.into_iter().find_map(|node| {
            let it = &group.nodes[node];
            let named = if it.leads { Some(node) } else { it.knows };
            named.filter(|leader| {
                let condition = group.nodes[*leader].condition;
                group.nodes[*leader].leads && !condition.down && !condition.paused
            })
        })
    }

    pub(crate) fn reply_committed(&mut self, region: usize, to: usize, push: u64) {
        self.reply(region, to, Body::Committed(push));
    }

    fn reply(&mut self, from: usize, to: usize, body: Body) {
        self.send(Message { from, to, body });
    }
}

/// What a fault wants to know of a fact.
fn telling(about: &About) -> Telling {
    let ends = (about.creates, about.hands_over, about.prepares);
    Telling::new(&about.key.id, ends, &about.held, &about.waiting)
}
