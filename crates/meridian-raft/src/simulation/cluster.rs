//! The nodes of the simulated group: their disks, and the processes that run on them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use openraft::async_runtime::watch::WatchReceiver as _;

use super::chronicle::note;
use super::disk::Disk;
use super::machine::{ListMachine, Shared};
use super::network::{Network, Wire};
use super::process::Process;
use super::{Bug, dice, judge};
use crate::ground::Ground;
use crate::{Compaction, Group, GroupConfig, NodeId};

/// A node that answers.
#[derive(Clone)]
pub(super) struct Running {
    pub(super) node: NodeId,
    pub(super) process: Process,
    pub(super) group: Group<()>,
    pub(super) lists: Shared,
    pub(super) cluster: Arc<Cluster>,
}

impl Running {
    /// Whether a node that began with an empty disk holds all that the group has committed.
    pub(super) fn has_caught_up(&self) -> bool {
        !self.group.node.catch_up.may_have_forgotten() && self.group.status().committed > 0
    }

    /// Whether the group could do without any one of its members, as far as this node knows;
    /// while members change, the old and the new ones have to be able to.
    pub(super) fn can_spare_one(&self) -> bool {
        let metrics = self.group.node.raft.metrics();
        let metrics = metrics.borrow_watched();
        let configs = metrics.membership_config.membership().get_joint_config();
        configs.iter().all(|members| members.len() >= 3)
    }
}

/// See the module.
pub(super) struct Cluster {
    pub(super) network: Network,
    pub(super) bug: Option<Bug>,
    pub(super) founders: BTreeSet<NodeId>,
    compaction: Compaction,
    places: Mutex<BTreeMap<NodeId, Place>>,
    /// Held by who changes the members.
    pub(super) administrator: tokio::sync::Mutex<()>,
}

/// Where a node runs.
struct Place {
    disk: Disk,
    /// Whether it is told that the group exists.
    joins: bool,
    process: Option<Process>,
    running: Option<Running>,
}

impl Cluster {
    /// A cluster of `founders`, none of which runs.
    pub(super) fn new(founders: BTreeSet<NodeId>, bug: Option<Bug>) -> Arc<Self> {
        let compaction = Compaction {
            log_bytes: u64::MAX,
            log_entries: Some(dice::between(8, 60)),
            keep_entries: dice::between(0, 12),
        };
        note!("founders {founders:?}, {compaction:?}");
        Arc::new(Self {
            network: Network::default(),
            bug,
            founders,
            compaction,
            places: Mutex::default(),
            administrator: tokio::sync::Mutex::default(),
        })
    }

    fn places(&self) -> MutexGuard<'_, BTreeMap<NodeId, Place>> {
        self.places.lock().expect("held briefly")
    }

    /// The node, if it answers.
    pub(super) fn running(&self, node: NodeId) -> Option<Running> {
        self.places().get(&node)?.running.clone()
    }

    /// All nodes that answer.
    pub(super) fn all_running(&self) -> Vec<Running> {
        let places = self.places();
        places
            .values()
            .filter_map(|it| it.running.clone())
            .collect()
    }

    /// All nodes that have a place, running or not.
    pub(super) fn nodes(&self) -> Vec<NodeId> {
        self.places().keys().copied().collect()
    }

    /// The process on a node's machine, whether it answers yet or not.
    pub(super) fn process(&self, node: NodeId) -> Option<Process> {
        self.places().get(&node)?.process.clone()
    }

    /// A node's disk; an empty one if it had none.
    pub(super) fn disk(&self, node: NodeId) -> Disk {
        let mut places = self.places();
        let place = places.entry(node).or_insert_with(|| Place {
            disk: Disk::new(node, self.bug),
            process: None,
            running: None,
            joins: !self.founders.contains(&node),
        });
        place.disk.clone()
    }

    /// Starts a node that is not running.
    pub(super) fn start(self: &Arc<Self>, node: NodeId) {
        if self.process(node).is_some() {
            return;
        }
        let disk = self.disk(node);
        let process = Process::new(node);
        let joins = match self.places().get_mut(&node) {
            Some(place) => {
                place.process = Some(process.clone());
                place.joins
            }
            None => false,
        };
        note!("node {node} starts (joins: {joins})");
        let cluster = Arc::clone(self);
        let it = process.clone();
        process.spawn(async move { cluster.run(node, it, disk, joins).await });
    }

    async fn run(self: Arc<Self>, node: NodeId, process: Process, disk: Disk, joins: bool) {
        let mut config = GroupConfig::new(node, self.founders.clone());
        config.members.insert(node);
        config.joins = joins;
        config.preferred &= self.founders.contains(&node);
        config.compaction = self.compaction;
        let lists = Shared::default();
        let machine = ListMachine::new(node, self.bug, Arc::clone(&lists));
        let wire = Arc::new(Wire {
            cluster: Arc::clone(&self),
            from: node,
        });
        let opening = async { Ok(Ground::simulated(disk.open()?)) };
        let group = match Group::on(opening, config, machine, wire).await {
            Ok(group) => group,
            Err(error) => {
                judge::convict(format!("node {node} does not start: {error:#}"));
                return;
            }
        };
        note!("node {node} runs");
        if let Some(place) = self.places().get_mut(&node) {
            place.running = Some(Running {
                node,
                process: process.clone(),
                group: group.clone(),
                lists,
                cluster: Arc::clone(&self),
            });
        }
        let mut status = group.status_watch();
        let follow = process.spawn(async move {
            let mut known = (0, None);
            while status.changed().await.is_ok() {
                let latest = status.borrow_and_update().clone();
                if known != (latest.term, latest.leader) {
                    known = (latest.term, latest.leader);
                    note!("node {node} sees term {} led by {:?}", known.0, known.1);
                }
            }
        });
        if let Some(reason) = group.failed().await {
            follow.abort();
            note!("node {node} has failed: {reason}");
            // The supervisor's part; from outside, for a process cannot start its successor.
            tokio::spawn(async move { self.restart(node, Duration::from_millis(500)).await });
        }
    }

    /// Kills a node's process. With its machine's power goes a part of what was not synced.
    pub(super) fn kill(&self, node: NodeId, power: bool) {
        let mut places = self.places();
        let Some(place) = places.get_mut(&node) else {
            return;
        };
        place.running = None;
        if let Some(process) = place.process.take() {
            note!("node {node} is killed");
            process.kill();
        }
        if power {
            place.disk.cut_power();
        }
    }

    /// Kills a node and starts it again after a while.
    pub(super) async fn restart(self: Arc<Self>, node: NodeId, pause: Duration) {
        let power = dice::one_in(2);
        self.kill(node, power);
        tokio::time::sleep(pause).await;
        self.start(node);
    }

    /// Puts an empty disk in the place of a node that does not run. It may be told that the
    /// group exists, or may have to find out.
    pub(super) fn replace_disk(&self, node: NodeId, told: bool) {
        note!("node {node} gets an empty disk (told: {told})");
        judge::replaced(node);
        let unnoticed = self.bug == Some(Bug::UnnoticedLoss);
        let disk = Disk::new(node, self.bug);
        if unnoticed {
            disk.seem_used();
        }
        if let Some(place) = self.places().get_mut(&node) {
            place.disk = disk;
            place.joins = told && !unnoticed;
        }
    }

    /// Who leads, if one of the running nodes says that it does.
    pub(super) fn leader(&self) -> Option<Running> {
        let leads = |it: &Running| it.group.status().is_leader();
        let mut leaders: Vec<Running> = self.all_running().into_iter().filter(leads).collect();
        leaders.sort_by_key(|it| it.group.status().term);
        leaders.pop()
    }
}
