//! What an administrator does to a group in the middle of its faults: other members, another
//! leader, a new disk.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::chronicle::note;
use super::cluster::Cluster;
use super::dice;
use super::judge::count;
use crate::NodeId;

/// How long the administrator waits for an answer.
const PATIENCE: Duration = Duration::from_secs(8);

/// Asks the leader to let another member lead.
pub(super) async fn transfer(cluster: &Arc<Cluster>) {
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
    if let Ok(Ok(Ok(()))) = timeout(PATIENCE, asked).await {
        count("leadership transfer");
    }
}

/// Starts those who are to join, and asks the leader to make these the members.
pub(super) async fn change_members(cluster: &Arc<Cluster>, members: BTreeSet<NodeId>) -> bool {
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
    let changed = timeout(PATIENCE, asked).await;
    abort.abort();
    note!("members {members:?}: {changed:?}");
    let done = matches!(changed, Ok(Ok(Ok(_))));
    if done {
        count("membership change");
    }
    done
}

/// Takes a node out of the group, gives it an empty disk, and takes it in again.
pub(super) async fn replace(cluster: &Arc<Cluster>) {
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
    cluster.replace_disk(away, true);
    count("replaced node");
    cluster.start(away);
    change_members(cluster, members).await;
}
