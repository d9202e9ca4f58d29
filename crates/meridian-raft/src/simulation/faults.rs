//! The nemesis: draws faults, lets them overlap, and takes every one of them away again.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::chronicle::{self, note};
use super::cluster::Cluster;
use super::{dice, judge};
use crate::NodeId;

/// Every node that a group may ever have.
pub(super) const NODES: [NodeId; 6] = [1, 2, 3, 4, 5, 6];
/// How long a change of members may take.
const MEMBERS_TIMEOUT: Duration = Duration::from_secs(8);

/// How long a node that lost its disk may take to be filled again: longer than all faults.
const REFILL_BOUND_MS: u64 = 90_000;

thread_local! {
    static HAPPENED: RefCell<BTreeMap<&'static str, u64>> = RefCell::default();
}

/// The kinds, with how often each is drawn.
const KINDS: [(Kind, u64); 17] = [
    (Kind::Partition, 3),
    (Kind::OneWay, 3),
    (Kind::Isolate, 3),
    (Kind::Loss, 3),
    (Kind::Doubling, 2),
    (Kind::Delay, 2),
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

/// Begins a run.
pub(super) fn begin() {
    HAPPENED.take();
}

/// How often each fault took place.
pub(super) fn happened() -> BTreeMap<&'static str, u64> {
    HAPPENED.with_borrow(Clone::clone)
}

fn count(what: &'static str) {
    HAPPENED.with_borrow_mut(|happened| *happened.entry(what).or_default() += 1);
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

fn a_while() -> Duration {
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
fn node(cluster: &Arc<Cluster>) -> NodeId {
    let nodes = cluster.nodes();
    dice::pick(&nodes)
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

/// A node is stopped in good order and started again.
async fn stop(cluster: &Arc<Cluster>) {
    let Some(running) = cluster.running(node(cluster)) else {
        return;
    };
    count("stop");
    let group = running.group.clone();
    let stopped = running.process.spawn(async move { group.stop().await });
    // Paused or with a slow disk it takes its time, and the supervisor has no patience.
    let done = timeout(Duration::from_secs(5), stopped).await.is_ok();
    note!("node {} is stopped (in time: {done})", running.node);
    if !running.process.is_dead() {
        cluster.kill(running.node, false);
    }
    sleep(a_while()).await;
    cluster.start(running.node);
}

fn has_caught_up(cluster: &Arc<Cluster>, node: NodeId) -> bool {
    cluster.running(node).is_some_and(|it| it.has_caught_up())
}

/// A member loses all that its disk held, and is filled again by the others. They can do that
/// for one at a time, and none that is being filled is of any help.
async fn lose_disk(cluster: &Arc<Cluster>) {
    let _administrator = cluster.administrator.lock().await;
    let Some(leader) = cluster.leader() else {
        return;
    };
    let members: Vec<NodeId> = leader.group.members().into_iter().collect();
    let well = members.iter().all(|node| has_caught_up(cluster, *node));
    if members.len() < 3 || !well {
        return;
    }
    let unlucky = dice::pick(&members);
    cluster.kill(unlucky, true);
    cluster.replace_disk(unlucky);
    count("lost disk");
    cluster.start(unlucky);
    let lost_ms = chronicle::now_ms();
    while !has_caught_up(cluster, unlucky) {
        let took_ms = chronicle::now_ms() - lost_ms;
        if took_ms > REFILL_BOUND_MS {
            judge::convict(format!(
                "node {unlucky} lost its disk and is not filled again"
            ));
            return;
        }
        sleep(Duration::from_millis(50)).await;
    }
    note!("node {unlucky} has caught up");
}

/// All machines lose their power in the same moment.
pub(super) async fn power_cut(cluster: &Arc<Cluster>) {
    count("power cut");
    let nodes = cluster.nodes();
    for &node in &nodes {
        cluster.kill(node, true);
    }
    sleep(Duration::from_millis(dice::between(100, 600))).await;
    for node in nodes {
        cluster.start(node);
    }
}

async fn transfer(cluster: &Arc<Cluster>) {
    let Some(leader) = cluster.leader() else {
        return;
    };
    let members: Vec<NodeId> = leader.group.members().into_iter().collect();
    if members.is_empty() {
        return;
    }
    let target = dice::pick(&members);
    note!("leadership of {} is to go to {target}", leader.node);
    let process = leader.process.clone();
    let asked = process.spawn(async move { leader.group.transfer_leadership(target).await });
    if let Ok(Ok(Ok(()))) = timeout(MEMBERS_TIMEOUT, asked).await {
        count("leadership transfer");
    }
}

/// Starts those who are to join, and asks the leader to make these the members.
async fn change_members(cluster: &Arc<Cluster>, members: BTreeSet<NodeId>) -> bool {
    let Some(leader) = cluster.leader() else {
        return false;
    };
    for &node in &members {
        cluster.start(node);
    }
    note!("the members are to be {members:?}");
    let process = leader.process.clone();
    let wanted = members.clone();
    let asked = process.spawn(async move { leader.group.change_members(wanted).await });
    // Given up, it must not go on by itself and meet the next change.
    let abort = asked.abort_handle();
    let changed = timeout(MEMBERS_TIMEOUT, asked).await;
    abort.abort();
    note!("members {members:?}: {changed:?}");
    let done = matches!(changed, Ok(Ok(Ok(_))));
    if done {
        count("membership change");
    }
    done
}

/// Takes a node out of the group, gives it an empty disk, and takes it in again.
async fn replace(cluster: &Arc<Cluster>) {
    let _administrator = cluster.administrator.lock().await;
    let Some(leader) = cluster.leader() else {
        return;
    };
    let members = leader.group.members();
    let away = dice::pick(&members.iter().copied().collect::<Vec<_>>());
    let mut rest = members.clone();
    rest.remove(&away);
    if rest.is_empty() || !change_members(cluster, rest).await {
        return;
    }
    cluster.kill(away, true);
    cluster.replace_disk(away);
    count("replaced node");
    cluster.start(away);
    change_members(cluster, members).await;
}
