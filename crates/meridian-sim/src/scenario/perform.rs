//! From a scenario to its outcome.

use std::collections::BTreeSet;

use meridian_chaos::Nodes;
use meridian_judge::History;
use meridian_scenario::{Ending, Outcome, Performance, Scenario};

use super::drawn::{self, Told};
use super::fit::{self, Refusal};
use super::tasks::Lasting;
use crate::client::Clients;
use crate::event::Event;
use crate::world::World;

/// Time for a message between two regions without any fault, in milliseconds.
const DISTANCE_MS: i64 = 40;

/// What is wanted of a run.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Another seed than the scenario's.
    pub seed: Option<u64>,
    /// The events in words.
    pub trace: bool,
    /// The history.
    pub history: bool,
}

/// A scenario that was performed.
pub struct Performed {
    /// What it came to.
    pub outcome: Outcome,
    /// The events in words, if they were wanted.
    pub trace: Vec<String>,
    /// The history; empty unless it was wanted.
    pub history: History,
}

/// Performs a scenario that was read and found right.
///
/// # Errors
/// [`Refusal`] if some of it cannot be simulated.
pub fn perform(scenario: &Scenario, wanted: &Wanted) -> Result<Performed, Refusal> {
    let performed = once(scenario, wanted)?;
    if performed.outcome.violation.is_none() || wanted.history {
        return Ok(performed);
    }
    // A violation has causes where the history is at hand, and the same run
    // comes to the same.
    let history = true;
    once(
        scenario,
        &Wanted {
            history,
            ..wanted.clone()
        },
    )
}

fn once(scenario: &Scenario, wanted: &Wanted) -> Result<Performed, Refusal> {
    if let Some(drawn) = &scenario.drawn {
        return Ok(drawn::perform(scenario, drawn, wanted));
    }
    fit::check(scenario)?;
    let seed = wanted.seed.unwrap_or(scenario.seed);
    let mut world = world(scenario, seed, wanted);
    let mut performance = Performance::new(scenario.clone());
    world.play(&mut performance, &fit::nodes(scenario));
    let began_ms = performance.zero_ms().unwrap_or_default();
    let (steps, trouble) = performance.into_records();
    if !world.judge.has_objected() {
        world.heal();
        world.run();
    }
    let faults = world.timeline.len();
    let told = Told {
        steps,
        trouble,
        began_ms,
    };
    Ok(drawn::performed(
        scenario,
        world.into_report(seed, faults),
        told,
    ))
}

fn world(scenario: &Scenario, seed: u64, wanted: &Wanted) -> World {
    let names = scenario.topology.regions.iter();
    let names: Vec<_> = names
        .map(|name| name.parse().expect("the check has read every name"))
        .collect();
    let mut clients = Clients::new(seed, names.len(), 0, BTreeSet::new());
    clients.all.clear();
    clients.heal_at_last = false;
    let mut world = World::of(seed, names, clients, wanted.trace);
    for row in &mut world.distance_ms {
        row.fill(DISTANCE_MS);
    }
    // A scenario begins on a cluster that has run for a while.
    let nodes = world.groups.iter_mut().flat_map(|group| &mut group.nodes);
    nodes.for_each(|node| node.caught_up = true);
    if !scenario.invariants.is_empty() {
        world.judge.look_only_at(&scenario.invariants);
    }
    if wanted.history {
        world.judge.keep_history();
    }
    world
}

impl World {
    /// Does what is due until nothing is, or the judge objects.
    fn play(&mut self, performance: &mut Performance, nodes: &Nodes) {
        let mut lasting: Vec<(u64, Lasting)> = Vec::new();
        let mut seen = None;
        let mut woken_at_ms = None;
        while !self.judge.has_objected() {
            let done = lasting.extract_if(.., |(_, it)| self.is_done(it));
            let done: Vec<u64> = done.map(|(id, _)| id).collect();
            let done = done.into_iter().map(|id| (id, Ending::Done));
            let ended: Vec<(u64, Ending)> = self.stage.ended.drain(..).chain(done).collect();
            for (id, ending) in &ended {
                performance.ended(*id, self.now_ms, ending.clone());
            }
            let agreed: usize = self.groups.iter().map(|group| group.log.len()).sum();
            let time = performance.next_time();
            let changed = performance.is_watching() && seen != Some(agreed);
            if !ended.is_empty() || changed || time.is_none_or(|at| at <= self.now_ms) {
                seen = Some(agreed);
                let due = performance.due(self.now_ms, &self.view());
                let began = !due.is_empty();
                lasting.extend(due.into_iter().filter_map(|it| self.begin(it, nodes)));
                if began {
                    continue;
                }
            }
            if performance.is_over() {
                return;
            }
            let time = performance
                .next_time()
                .filter(|at| Some(*at) != woken_at_ms);
            if let Some(at_ms) = time {
                woken_at_ms = time;
                self.agenda.plan(at_ms, Event::Pause);
            }
            let Some((at_ms, event)) = self.agenda.take() else {
                return;
            };
            self.now_ms = at_ms;
            self.happen(event);
        }
    }
}
