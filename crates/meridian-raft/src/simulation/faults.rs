//! The nemesis: draws faults, lets them overlap, and takes every one of them away again.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::administration::{change_members, replace, transfer};
use super::chronicle::{self, note};
use super::cluster::Cluster;
use super::dice;
use super::judge::count;
use super::outages::{lose_disk, power_cut, stop};
use crate::NodeId;

/// Every node that a group may ever have.
const NODES: [NodeId; 6] = [1, 2, 3, 4, 5, 6];
/// The kinds, with how often each is drawn.
const KINDS: [(Kind, u64); 21] = [
    (Kind::Partition, 3),
    (Kind::OneWay, 3),
    (Kind::Isolate, 3),
    (Kind::Loss, 3),
    (Kind::Doubling, 2),
    (Kind::Delay, 2),
    (Kind::Stragglers, 2),
    (Kind::Flapping, 2),
    (Kind::Hold, 2),
    (Kind::Narrow, 2),
    (Kind::Crash, 6),
    (Kind::Stop, 2),
    (Kind::LostDisk, 2),
    (Kind::PowerCut, 1),
    (Kind::Pause, 3),
    (Kind::SlowDisk, 2),
    (Kind::FailingSync, 2),
    (Kind::Snapshot, 2),
    (Kind::Transfer, 3),
    (Kind::Members, 3),
    (Kind::Replace, 2),
];

#[derive(Clone, Copy, Debug)]
enum Kind {
    Partition,
    OneWay,
    Isolate,
    Loss,
    Doubling,
    Delay,
    /// Few messages are late, but very late.
    Stragglers,
    Flapping,
    Hold,
    Narrow,
    Crash,
    Stop,
    LostDisk,
    PowerCut,
    Pause,
    SlowDisk,
    FailingSync,
    Snapshot,
    Transfer,
    Members,
    Replace,
}

/// Draws faults until the time has come. `pause_ms` is the longest time between two.
pub(super) async fn run(cluster: Arc<Cluster>, until_ms: u64, pause_ms: u64) {
    let mut under_way = Vec::new();
    while chronicle::now_ms() < until_ms {
        sleep(Duration::from_millis(dice::between(50, pause_ms))).await;
        let kind = draw();
        note!("fault {kind:?}");
        let cluster = Arc::clone(&cluster);
        under_way.push(tokio::spawn(strike(cluster, kind)));
    }
    for fault in under_way {
        fault.await.expect("no fault panics");
    }
}

fn draw() -> Kind {
    let sum: u64 = KINDS.iter().map(|(_, weight)| weight).sum();
    let mut left = dice::between(0, sum - 1);
    for (kind, weight) in KINDS {
        if left < weight {
            return kind;
        }
        left -= weight;
    }
    unreachable!("less than the sum of all weights")
}

/// How long a fault lasts.
pub(super) fn a_while() -> Duration {
    Duration::from_millis(dice::between(100, 3000))
}

async fn strike(cluster: Arc<Cluster>, kind: Kind) {
    match kind {
        Kind::Partition => {
            let (one, other) = NODES.iter().partition(|_| dice::one_in(2));
            cut("partition", &cluster, both_ways(&one, &other)).await;
        }
        Kind::OneWay => {
            let way = (dice::pick(&NODES), dice::pick(&NODES));
            cut("one-way cut", &cluster, vec![way]).await;
        }
        Kind::Isolate => {
            let alone = node(&cluster);
            let others = NODES.iter().copied().filter(|it| *it != alone).collect();
            cut("isolated node", &cluster, both_ways(&vec![alone], &others)).await;
        }
        Kind::Loss => {
            count("loss");
            let more = dice::between(20, 300);
            cluster.network.weather().lost_permille += more;
            sleep(a_while()).await;
            cluster.network.weather().lost_permille -= more;
        }
        Kind::Doubling => {
            count("doubling");
            cluster.network.weather().doubled_permille += 200;
            sleep(a_while()).await;
            cluster.network.weather().doubled_permille -= 200;
        }
        Kind::Delay => {
            count("delay");
            let more_ms = dice::between(20, 400);
            cluster.network.weather().delay_ms += more_ms;
            sleep(a_while()).await;
            cluster.network.weather().delay_ms -= more_ms;
        }
        Kind::Stragglers => {
            count("stragglers");
            let more = dice::between(10, 100);
            cluster.network.weather().stragglers_permille += more;
            sleep(a_while()).await;
            cluster.network.weather().stragglers_permille -= more;
        }
        Kind::Flapping => {
            count("flapping");
            let ways = link();
            let period = Duration::from_millis(dice::between(20, 700));
            for _ in 0..dice::between(2, 8) {
                cluster.network.cut(&ways);
                sleep(period).await;
                cluster.network.mend(&ways);
                sleep(period).await;
            }
        }
        Kind::Hold => {
            count("hold");
            let ways = link();
            cluster.network.hold(&ways);
            sleep(a_while()).await;
            cluster.network.release(&ways);
        }
        Kind::Narrow => {
            count("narrow");
            let ways = link();
            let message_ms = dice::between(5, 60);
            cluster.network.narrow(&ways, Some(message_ms));
            sleep(a_while()).await;
            cluster.network.narrow(&ways, None);
        }
        Kind::Crash => {
            count("crash");
            let node = node(&cluster);
            cluster.restart(node, a_while()).await;
        }
        Kind::Stop => stop(&cluster).await,
        Kind::LostDisk => lose_disk(&cluster).await,
        Kind::PowerCut => power_cut(&cluster).await,
        Kind::Pause => {
            if let Some(process) = cluster.process(node(&cluster)) {
                count("pause");
                process.pause();
                sleep(a_while()).await;
                process.resume();
            }
        }
        Kind::SlowDisk => {
            if let Some(process) = cluster.process(node(&cluster)) {
                count("slow disk");
                process.set_disk_ms(20, dice::between(50, 800));
                sleep(a_while()).await;
                process.set_disk_ms(1, 2);
            }
        }
        Kind::FailingSync => {
            count("failing sync");
            cluster.disk(node(&cluster)).fail_next_sync();
        }
        Kind::Snapshot => {
            if let Some(running) = cluster.running(node(&cluster)) {
                count("snapshot");
                let process = running.process.clone();
                process.spawn(async move { running.group.trigger_snapshot().await });
            }
        }
        Kind::Transfer => transfer(&cluster).await,
        Kind::Members => {
            let size = if dice::one_in(3) {
                5
            } else {
                dice::between(3, 4)
            };
            let mut members = BTreeSet::new();
            while members.len() as u64 != size {
                members.insert(dice::pick(&NODES));
            }
            let _administrator = cluster.administrator.lock().await;
            change_members(&cluster, members).await;
        }
        Kind::Replace => replace(&cluster).await,
    }
}

/// A node that has a place in the cluster.
pub(super) fn node(cluster: &Arc<Cluster>) -> NodeId {
    match &cluster.nodes()[..] {
        // None has been started yet.
        [] => 1,
        nodes => dice::pick(nodes),
    }
}

/// A link, or one direction of it.
fn link() -> Vec<(NodeId, NodeId)> {
    let way = (dice::pick(&NODES), dice::pick(&NODES));
    match dice::one_in(2) {
        true => vec![way],
        false => vec![way, (way.1, way.0)],
    }
}

fn both_ways(one: &Vec<NodeId>, other: &Vec<NodeId>) -> Vec<(NodeId, NodeId)> {
    let mut ways = Vec::new();
    for &here in one {
        for &there in other {
            ways.extend([(here, there), (there, here)]);
        }
    }
    ways
}

async fn cut(what: &'static str, cluster: &Arc<Cluster>, ways: Vec<(NodeId, NodeId)>) {
    count(what);
    note!("{what}: {ways:?}");
    cluster.network.cut(&ways);
    sleep(a_while()).await;
    cluster.network.mend(&ways);
}
