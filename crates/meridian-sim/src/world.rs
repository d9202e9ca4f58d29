//! World: everything of one run, and what each event does to it.

use std::collections::BTreeMap;

use meridian_chaos::{Fault, Faults, Kind, Odds, Queue};
use meridian_kms::RegionName;

use crate::agenda::Agenda;
use crate::call::Call;
use crate::client::Clients;
use crate::coverage::Coverage;
use crate::dice::{Dice, Stream};
use crate::event::{Event, Message};
use crate::event_log::EventLog;
use crate::feeds::Push;
use crate::group::Group;
use crate::planted::Planted;
use crate::stage::Stage;
use meridian_judge::Judge;

/// The regions of a run, the first ones first.
pub const REGIONS: [&str; 6] = [
    "us-east-1",
    "eu-west-1",
    "ap-southeast-2",
    "sa-east-1",
    "ca-central-1",
    "ap-south-1",
];

/// Everything of one run.
pub struct World {
    /// Virtual time since the run began, in milliseconds.
    pub now_ms: i64,
    pub(crate) agenda: Agenda<Event>,
    pub(crate) log: EventLog,
    pub(crate) dice: Dice,
    pub(crate) groups: Vec<Group>,
    pub(crate) names: Vec<RegionName>,
    /// What a message takes between two regions without any fault, in
    /// milliseconds.
    pub(crate) distance_ms: Vec<Vec<i64>>,
    pub(crate) faults: Faults,
    pub(crate) timeline: Vec<(i64, Fault)>,
    pub(crate) coverage: Coverage,
    /// Messages that wait their turn on a narrow link.
    pub(crate) queue: Queue,
    pub(crate) calls: BTreeMap<u64, Call>,
    pub(crate) pushes: BTreeMap<u64, Push>,
    pub(crate) held_back: Vec<Message>,
    pub(crate) clients: Clients,
    pub(crate) judge: Judge,
    pub(crate) planted: Option<Planted>,
    /// Who performs a scenario.
    pub(crate) stage: Stage,
    /// The part without faults has begun.
    pub(crate) healed: bool,
    pub(crate) finished: bool,
    /// When time alone has last changed something, in virtual milliseconds.
    pub(crate) last_due_ms: i64,
    next_id: u64,
}

/// Chance for the faults: dice, and a count of what struck.
pub(crate) struct Chance<'a> {
    pub(crate) dice: &'a mut Dice,
    pub(crate) coverage: &'a mut Coverage,
    pub(crate) queue: &'a mut Queue,
    pub(crate) faults: &'a Faults,
    pub(crate) now_ms: i64,
}

impl Odds for Chance<'_> {
    fn below(&mut self, limit: u64) -> u64 {
        self.dice.below(limit)
    }

    fn turn(&mut self, fault: &str) -> u64 {
        self.coverage.turn(fault)
    }

    fn queue(&mut self, way: &str, takes_ms: u64, now_ms: i64) -> u64 {
        self.queue.wait_ms(way, takes_ms, now_ms)
    }

    fn struck(&mut self, kind: &Kind) {
        let mut active = self.faults.iter(self.now_ms);
        if let Some(fault) = active.find(|fault| fault.kind == *kind) {
            self.coverage.struck_by(fault);
        }
    }
}

impl World {
    /// A world before anything has happened, of so many regions of the list.
    pub fn new(seed: u64, regions: usize, clients: Clients, tracing: bool) -> World {
        let names: Vec<RegionName> = REGIONS[..regions]
            .iter()
            .map(|name| name.parse().expect("the list has names of regions"))
            .collect();
        World::of(seed, names, clients, tracing)
    }

    /// A world of these regions before anything has happened.
    pub fn of(seed: u64, names: Vec<RegionName>, clients: Clients, tracing: bool) -> World {
        let regions = names.len();
        let mut shape = Dice::new(seed, Stream::World);
        let distance_ms = distances(regions, &mut shape);
        let group =
            |(index, name): (usize, &RegionName)| Group::new(index, name.clone(), regions, seed);
        World {
            now_ms: 0,
            agenda: Agenda::default(),
            log: EventLog::new(tracing),
            dice: shape,
            groups: names.iter().enumerate().map(group).collect(),
            judge: Judge::new(names.clone()),
            names,
            distance_ms,
            faults: Faults::default(),
            timeline: Vec::new(),
            coverage: Coverage::default(),
            queue: Queue::default(),
            calls: BTreeMap::new(),
            pushes: BTreeMap::new(),
            held_back: Vec::new(),
            clients,
            planted: None,
            stage: Stage::default(),
            healed: false,
            finished: false,
            last_due_ms: 0,
            next_id: 0,
        }
    }

    /// Lets things happen until nothing is left to happen or the judge objects.
    pub fn run(&mut self) {
        while !self.finished && !self.judge.has_objected() {
            let Some((at_ms, event)) = self.agenda.take() else {
                return;
            };
            self.now_ms = at_ms;
            self.happen(event);
        }
    }

    pub(crate) fn happen(&mut self, event: Event) {
        match event {
            Event::Client(client) => self.client_turn(client),
            Event::ClientTimeout(call) if self.stage.waits_for(call) => self.stage_gives_up(call),
            Event::Answered(call) if self.stage.waits_for(call) => self.stage_hears(call),
            Event::ClientTimeout(call) => self.client_gives_up(call),
            Event::Call(call, step) => self.call_step(call, step),
            Event::Answered(call) => self.client_hears(call),
            Event::Commit { region, proposal } => self.commit(region, proposal),
            Event::ProposalTimeout {
                region,
                node,
                origin,
            } => self.proposal_ended(region, node, origin, None),
            Event::Follow {
                region,
                node,
                index,
            } => self.follow(region, node, index),
            Event::Learn { region, node } => self.learn(region, node),
            Event::Started(region) => self.settle_region(region),
            Event::Elect(region) => self.elect(region),
            Event::Arrive(message) => self.arrive(message),
            Event::PushTimeout(push) => self.push_ended(push, false),
            Event::Feed {
                region,
                node,
                peer,
                session,
            } => {
                if self.groups[region].nodes[node].session == session {
                    self.feed(region, node, peer);
                }
            }
            Event::Tick { region, node } => self.tick(region, node),
            Event::FaultBegins(index) => self.fault_begins(index),
            Event::FaultEnds(index) => self.fault_ends(index),
            Event::Pause => {}
            Event::Heal => self.heal(),
            Event::Finish => self.finish(),
        }
    }

    /// Something happens so many milliseconds from now.
    pub(crate) fn after(&mut self, ms: i64, event: Event) {
        self.agenda.plan(self.now_ms + ms.max(0), event);
    }

    /// A number that nothing else has.
    pub(crate) fn new_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// The index of a region.
    pub(crate) fn index_of(&self, name: &RegionName) -> Option<usize> {
        self.names.iter().position(|it| it == name)
    }

    /// Time for a message between two nodes of a region, in milliseconds.
    pub(crate) fn hop_ms(&mut self) -> i64 {
        match self.dice.below(40) {
            0 => self.dice.between(20, 400),
            _ => self.dice.between(1, 4),
        }
    }
}

/// The same in both directions, up to 115 milliseconds; in some runs regions are
/// much farther apart.
fn distances(regions: usize, dice: &mut Dice) -> Vec<Vec<i64>> {
    let places: Vec<i64> = (0..regions).map(|_| dice.between(0, 110)).collect();
    let stretch = *dice.pick(&[1, 1, 3, 6]);
    let from = |one: &i64| {
        let others = places.iter();
        others
            .map(|other| stretch * (5 + (one - other).abs()))
            .collect()
    };
    places.iter().map(from).collect()
}
