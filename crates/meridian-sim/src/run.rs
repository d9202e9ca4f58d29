//! Run: one seed from its beginning to its verdict.

use std::collections::BTreeSet;

use crate::client::Clients;
use crate::coverage::Coverage;
use crate::dice::{Dice, Stream};
use crate::event::Event;
use crate::group::NODES;
use crate::nemesis;
use crate::planted::Planted;
use crate::world::World;
use meridian_judge::history::Seen;
use meridian_judge::{Count, History, Violation};

/// Time for everything to settle once the faults have ended, in milliseconds: a
/// push that was lost is noticed after five seconds, and a hand-over and a
/// rotation, one after the other, take seven trips.
const SETTLE_MS: i64 = 40_000;

/// Time for the regions to tell each other what time alone has changed.
const QUIET_MS: i64 = 10_000;

/// What to run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The one number that everything follows from.
    pub seed: u64,
    /// Operations of clients.
    pub operations: usize,
    /// Keeps the events in words.
    pub trace: bool,
    /// Keeps the history.
    pub history: bool,
    /// Faults of the timeline that are left out, by number.
    pub skip_faults: BTreeSet<usize>,
    /// Operations that are left out, by number.
    pub skip_operations: BTreeSet<usize>,
    /// A bug, for tests of the judge.
    pub planted: Option<Planted>,
}

/// What became of a run.
pub struct Report {
    /// The seed.
    pub seed: u64,
    /// SHA-256 of the log of its events, in hexadecimal.
    pub digest: String,
    /// How many regions it had.
    pub regions: usize,
    /// Events that happened.
    pub events: u64,
    /// Virtual time that passed, in milliseconds, without time travel.
    pub virtual_ms: i64,
    /// The first broken promise.
    pub violation: Option<Violation>,
    /// How often each promise was looked at.
    pub looked: Count,
    /// What it went through.
    pub coverage: Coverage,
    /// The events in words, if they were asked for.
    pub trace: Vec<String>,
    /// The history; empty unless it was asked for.
    pub history: History,
    /// How many faults the timeline had.
    pub faults: usize,
    /// How many operations had begun when it ended.
    pub begun: usize,
}

impl Plan {
    /// A run of 200 operations.
    pub fn new(seed: u64) -> Plan {
        Plan {
            seed,
            operations: 200,
            trace: false,
            history: false,
            skip_faults: BTreeSet::new(),
            skip_operations: BTreeSet::new(),
            planted: None,
        }
    }
}

/// Runs one seed.
pub fn run(plan: &Plan) -> Report {
    let mut shape = Dice::new(plan.seed, Stream::Shape);
    let regions = 2 + shape.index(5);
    let clients = Clients::new(
        plan.seed,
        regions,
        plan.operations,
        plan.skip_operations.clone(),
    );
    let pace_ms = clients.pause_ms + 60;
    let length_ms = plan.operations as i64 * pace_ms / clients.all.len() as i64;
    let mut world = World::new(plan.seed, regions, clients, plan.trace);
    world.planted = plan.planted;
    if plan.history {
        world.judge.keep_history();
    }
    let mut timeline = nemesis::timeline(plan.seed, &world.names, length_ms);
    let faults = timeline.len();
    let mut number = 0..;
    timeline.retain(|_| {
        number
            .next()
            .is_none_or(|it| !plan.skip_faults.contains(&it))
    });
    world.faults_begin(timeline);
    world.clients_begin();
    world.run();
    world.into_report(plan.seed, faults)
}

impl World {
    /// The part without faults begins.
    pub(crate) fn heal(&mut self) {
        self.healed = true;
        self.log.note(self.now_ms, "healed", &[], String::new);
        self.faults.clear();
        self.settle_conditions();
        self.release();
        self.feed_all();
        self.after(SETTLE_MS, Event::Finish);
    }

    /// Everything must be agreed on by now, and every ciphertext must open.
    pub(crate) fn finish(&mut self) {
        // What time alone did a moment ago is told first.
        let quiet_ms = self.last_due_ms + QUIET_MS;
        if quiet_ms > self.now_ms {
            return self.agenda.plan(quiet_ms, Event::Finish);
        }
        self.finished = true;
        for region in 0..self.groups.len() {
            for node in 0..NODES {
                let length = self.groups[region].log.len();
                if let Err(difference) = self.groups[region].compare(node) {
                    self.judge.object("one state per index", difference);
                }
                if self.groups[region].nodes[node].applied != length {
                    let what = format!(
                        "node {} of {} has applied {} of {length} entries",
                        node + 1,
                        self.names[region],
                        self.groups[region].nodes[node].applied
                    );
                    self.judge.object("R7 convergence", what);
                }
            }
        }
        let due = |group: &crate::group::Group| {
            let feeds = group.agreed().feeds().values();
            feeds.map(|feed| feed.len()).sum()
        };
        let due = self.groups.iter().map(due).collect();
        self.judge.see(&Seen::Healed {
            at_ms: self.now_ms,
            due,
        });
        self.try_ciphertexts();
    }

    fn into_report(mut self, seed: u64, faults: usize) -> Report {
        for group in &self.groups {
            let bytes = group.agreed().encode();
            self.log.bytes(&bytes);
        }
        let history = History {
            regions: self.names.clone(),
            seen: self.judge.history(),
        };
        let (violation, looked) = self.judge.verdict();
        let events = self.log.events();
        let (digest, trace) = self.log.close();
        Report {
            seed,
            digest,
            regions: self.groups.len(),
            events,
            virtual_ms: self.now_ms,
            violation,
            looked,
            coverage: self.coverage,
            trace,
            history,
            faults,
            begun: self.clients.begun,
        }
    }
}
