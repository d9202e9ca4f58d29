//! Faults that take nodes away: stopped, without power, without what their disks held.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::chronicle::{self, note};
use super::cluster::Cluster;
use super::dice;
use super::faults::{a_while, node};
use super::judge::{convict, count};
use crate::NodeId;

/// How long a node that lost its disk may take to be filled again: longer than all faults.
const REFILL_BOUND_MS: u64 = 90_000;

/// How long a leader may take to confirm that it leads.
const CONFIRM_BOUND: Duration = Duration::from_secs(2);

/// A node is stopped in good order and started again.
pub(super) async fn stop(cluster: &Arc<Cluster>) {
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
pub(super) async fn lose_disk(cluster: &Arc<Cluster>) {
    let _administrator = cluster.administrator.lock().await;
    let Some(leader) = cluster.leader() else {
        return;
    };
    let members: Vec<NodeId> = leader.group.members().into_iter().collect();
    // One that the others have left behind would name members that are none.
    let asked = leader
        .process
        .spawn(async move { leader.group.read_index().await });
    if !matches!(timeout(CONFIRM_BOUND, asked).await, Ok(Ok(Ok(_)))) {
        return;
    }
    // Each by its own log: one that lags may hold members that will never be.
    let well = |node: &NodeId| {
        let running = cluster.running(*node);
        running.is_some_and(|it| it.has_caught_up() && it.can_spare_one())
    };
    if !members.iter().all(well) {
        return;
    }
    let unlucky = dice::pick(&members);
    // Untold, a founder would found the group again with those who have never seen it.
    let mut founders = cluster.founders.iter();
    let told = dice::one_in(2) || !founders.all(|node| has_caught_up(cluster, *node));
    cluster.kill(unlucky, true);
    cluster.replace_disk(unlucky, told);
    count("lost disk");
    cluster.start(unlucky);
    let lost_ms = chronicle::now_ms();
    while !has_caught_up(cluster, unlucky) {
        let took_ms = chronicle::now_ms() - lost_ms;
        if took_ms > REFILL_BOUND_MS {
            convict(format!(
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
