//! Tasks: what a performance finds due, done in a world.

use meridian_chaos::{Fault, Kind, Nodes, Profile};
use meridian_proto::v1;
use meridian_scenario::action::Heal;
use meridian_scenario::scenario::{Mix, Workload};
use meridian_scenario::{Call, Due, Ending, Span, Task};

use crate::client::{Client, Habit};
use crate::group::NODES;
use crate::scenario::Lines;
use crate::world::World;

/// Something that takes longer than its beginning.
pub(super) enum Lasting {
    /// The time of regions moves; by region, how far it has to be.
    Advance(Vec<(usize, i64)>),
    /// The clients of the workload have not finished.
    Workload,
}

impl World {
    /// Begins what is due; what lasts is given back.
    pub(super) fn begin(&mut self, due: Due, nodes: &Nodes) -> Option<(u64, Lasting)> {
        let Due { id, step, task } = due;
        self.log.note(self.now_ms, "step", &[id], || step);
        let ending = match task {
            Task::Call { region, node, call } => {
                self.call_begins(id, &region, node, call);
                return None;
            }
            Task::Advance(span) => match self.time_moves(span) {
                Ok(lasting) => return Some((id, lasting)),
                Err(ending) => ending,
            },
            Task::Workload(workload) => {
                self.workload_begins(&workload);
                return Some((id, Lasting::Workload));
            }
            Task::Fault(fault) => self.goes_wrong(&fault, nodes),
            Task::Heal(heal) => self.heals(&heal),
            Task::Profile(profile) => {
                self.lags(profile);
                Ending::Done
            }
            Task::Probe(_) => Ending::NotRun("the application is not simulated".into()),
        };
        self.stage.ended.push((id, ending));
        None
    }

    /// Has it come to its end?
    pub(super) fn is_done(&self, lasting: &Lasting) -> bool {
        match lasting {
            Lasting::Advance(wanted) => wanted
                .iter()
                .all(|(region, ms)| self.groups[*region].agreed().clock_offset_ms() >= *ms),
            Lasting::Workload => {
                let idle = |client: &Client| client.waiting.is_none();
                let clients = &self.clients;
                clients.begun >= clients.operations && clients.all.iter().all(idle)
            }
        }
    }

    fn call_begins(&mut self, due: u64, region: &str, node: Option<u64>, call: Call) {
        let Some(region) = self.names.iter().position(|it| it.as_str() == region) else {
            let ending = Ending::Failed(format!("there is no region {region}"));
            return self.stage.ended.push((due, ending));
        };
        let node = match node {
            Some(node) => (node as usize - 1).min(NODES - 1),
            None => self.asked_node(region),
        };
        self.act(due, (region, node), Lines::of(call));
    }

    /// The node that a front door asks: the leader, or one that is up.
    fn asked_node(&mut self, region: usize) -> usize {
        let group = &self.groups[region];
        let leader = group.leader.filter(|it| !group.nodes[*it].condition.down);
        if let Some(leader) = leader {
            return leader;
        }
        let up: Vec<usize> = (0..NODES)
            .filter(|node| !self.groups[region].nodes[*node].condition.down)
            .collect();
        match up.is_empty() {
            true => 0,
            false => *self.dice.pick(&up),
        }
    }

    fn time_moves(&mut self, span: Span) -> Result<Lasting, Ending> {
        if let Some(group) = self.groups.iter().find(|group| group.leader.is_none()) {
            let what = format!("{} has no leader to move its time", group.name);
            return Err(Ending::Failed(what));
        }
        let wanted = (0..self.groups.len()).map(|region| {
            let group = &self.groups[region];
            (region, group.agreed().clock_offset_ms() + span.ms())
        });
        let wanted = wanted.collect();
        for region in 0..self.groups.len() {
            self.advance_clock(region, span.ms());
        }
        Ok(Lasting::Advance(wanted))
    }

    fn goes_wrong(&mut self, fault: &v1::Fault, nodes: &Nodes) -> Ending {
        match Fault::from_proto(fault, nodes, String::new(), self.now_ms) {
            Ok(mut fault) => {
                self.name_the_key(&mut fault.kind);
                self.fault_comes(fault);
                Ending::Done
            }
            Err(error) => Ending::Failed(error.to_string()),
        }
    }

    /// A fault that strikes the calls of one key of the scenario is told its ID.
    fn name_the_key(&self, kind: &mut Kind) {
        let (Kind::Refuse { calls, .. }
        | Kind::LoseAnswer { calls }
        | Kind::SlowAnswer { calls, .. }) = kind
        else {
            return;
        };
        let named = calls.key_id.as_ref();
        if let Some(key) = named.and_then(|name| self.stage.keys.get(name)) {
            calls.key_id = Some(key.id.to_string());
        }
    }

    fn heals(&mut self, heal: &Heal) -> Ending {
        match heal {
            Heal::All => {
                self.faults.clear();
            }
            Heal::One(id) => {
                self.faults.remove(id);
            }
        }
        self.settle_conditions();
        self.release();
        Ending::Done
    }

    fn lags(&mut self, profile: Profile) {
        let regions: Vec<String> = self.names.iter().map(ToString::to_string).collect();
        for fault in profile.faults(&regions) {
            self.fault_comes(fault);
        }
    }

    fn workload_begins(&mut self, workload: &Workload) {
        let regions = self.groups.len();
        let clients = &mut self.clients;
        clients.operations = workload.operations as usize;
        clients.leaning = match workload.mix {
            Mix::Rotation => 0,
            Mix::Replicas => 1,
            Mix::Primaries => 2,
            Mix::Regional => 3,
        };
        let habits = [Habit::Roams, Habit::Moves, Habit::Stays];
        let client = |index: usize| Client {
            region: index % regions,
            node: index % NODES,
            habit: habits[index % habits.len()],
            follow_up: None,
            watches: None,
            waiting: None,
        };
        clients.all = (0..workload.clients as usize).map(client).collect();
        self.clients_begin();
    }
}
