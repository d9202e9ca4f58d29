//! Tasks: what a performance finds due, done on a cluster.

use std::collections::{BTreeMap, BTreeSet};

use meridian_proto::v1::*;
use meridian_scenario::action::Heal;
use meridian_scenario::{Due, Ending, Task};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::stage::Stage;
use super::{calls, probe, watching, workload};
use crate::client::{Cluster, Region};

/// Who does what is due.
pub struct Stagehands {
    pub stage: Stage,
    pub cluster: Cluster,
    pub regions: Vec<Region>,
    /// Connections to single nodes, by region and ID.
    pub nodes: BTreeMap<(String, u64), Region>,
    /// Told of what has ended.
    pub ended: mpsc::UnboundedSender<(u64, Ending)>,
    pub tasks: JoinSet<()>,
    /// Keys whose streams are open.
    followed: BTreeSet<String>,
}

/// What one task needs.
#[derive(Clone)]
struct Hand {
    stage: Stage,
    cluster: Cluster,
    regions: Vec<Region>,
}

impl Stagehands {
    /// On an empty stage.
    pub fn new(
        cluster: Cluster,
        regions: Vec<Region>,
        nodes: BTreeMap<(String, u64), Region>,
        ended: mpsc::UnboundedSender<(u64, Ending)>,
    ) -> Stagehands {
        Stagehands {
            stage: Stage::new(),
            cluster,
            regions,
            nodes,
            ended,
            tasks: JoinSet::new(),
            followed: BTreeSet::new(),
        }
    }

    /// Opens the streams of keys that are new.
    pub fn follow_keys(&mut self) {
        for (name, key_id) in self.stage.keys() {
            if self.followed.insert(name.clone()) {
                watching::follow(&self.stage, &name, &key_id, &self.regions, &mut self.tasks);
            }
        }
    }

    /// Begins what is due.
    pub fn begin(&mut self, due: Due) {
        let Due { id, task, .. } = due;
        let hand = Hand {
            stage: self.stage.clone(),
            cluster: self.cluster.clone(),
            regions: self.regions.clone(),
        };
        let ended = self.ended.clone();
        match task {
            Task::Call { region, node, call } => {
                let Some(region) = self.place(&region, node) else {
                    let what = format!("there is no node {} in {region}", node.unwrap_or(0));
                    // The performance may be over already.
                    let _ = ended.send((id, Ending::Failed(what)));
                    return;
                };
                self.tasks.spawn(async move {
                    let called = calls::call(&hand.stage, &hand.cluster, &region, &call).await;
                    let ending = called.map_or_else(Ending::Failed, Ending::Call);
                    let _ = ended.send((id, ending));
                });
            }
            task => {
                self.tasks.spawn(async move {
                    let ending = hand.carry_out(task).await;
                    let _ = ended.send((id, ending));
                });
            }
        }
    }

    fn place(&self, region: &str, node: Option<u64>) -> Option<Region> {
        match node {
            Some(node) => self.nodes.get(&(region.to_owned(), node)).cloned(),
            None => {
                let mut all = self.regions.iter();
                all.find(|it| it.name() == region).cloned()
            }
        }
    }
}

impl Hand {
    async fn carry_out(&self, task: Task) -> Ending {
        let done = match task {
            Task::Call { .. } => return Ending::Failed("a call is a client's".into()),
            Task::Probe(it) => return Ending::Probed(probe::probe(&it).await),
            Task::Workload(it) => {
                workload::work(&self.stage, &self.cluster, &self.regions, &it).await;
                return Ending::Done;
            }
            Task::Fault(fault) => {
                let request = AddFaultRequest { fault: Some(fault) };
                self.cluster.add_fault(request).await.map(drop)
            }
            Task::Heal(Heal::All) => self
                .cluster
                .clear_faults(ClearFaultsRequest {})
                .await
                .map(drop),
            Task::Heal(Heal::One(id)) => {
                let request = RemoveFaultRequest { id };
                self.cluster.remove_fault(request).await.map(drop)
            }
            Task::Advance(span) => {
                let seconds = span.ms().unsigned_abs().div_ceil(1_000);
                let request = AdvanceClockRequest {
                    seconds,
                    region: None,
                };
                self.cluster.advance_clock(request).await.map(drop)
            }
            Task::Profile(profile) => {
                let name = profile.name().to_owned();
                self.cluster
                    .set_profile(SetProfileRequest { name })
                    .await
                    .map(drop)
            }
        };
        match done {
            Ok(()) => Ending::Done,
            Err(error) => Ending::Failed(error.to_string()),
        }
    }
}
