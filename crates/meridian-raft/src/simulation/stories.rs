//! Stories told on purpose, of what seeds have found by chance.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::administration::change_members;
use super::cluster::Cluster;
use super::history::Outcome;
use super::run::{Bug, converge, tell};
use super::server::Ask;
use super::{client, history};
use crate::engine::Change;
use crate::types::Vote;

/// Appends until it is answered.
async fn append(cluster: &Arc<Cluster>, number: u64) {
    let ask = Ask::Append {
        key: 0,
        number,
        ballast: 0,
    };
    while client::call(cluster, 1, ask).await != Outcome::Appended {}
}

#[test]
fn a_group_whose_founding_was_torn_by_a_power_cut_is_founded_again() {
    let report = tell(0, false, async {
        let cluster = Cluster::new(BTreeSet::from([1, 2, 3]), None);
        let mut stores = cluster.disk(1).open().unwrap();
        let vote = Change::Vote(Vote::new(1, 1));
        stores.engine.write(&[vote]).unwrap();
        stores.engine.sync().unwrap();
        for node in 1..=3 {
            cluster.start(node);
        }
        sleep(Duration::from_secs(5)).await;
        assert!(cluster.leader().is_some());
    });
    assert_eq!(report.violation, None);
}

#[test]
fn a_disk_that_fails_while_its_node_falls_behind_ends_the_node() {
    let report = tell(0, false, async {
        let cluster = Cluster::new(BTreeSet::from([1, 2, 3]), None);
        cluster.start(1);
        cluster.start(2);
        append(&cluster, 1).await;
        let led = cluster.leader().map(|it| it.node);
        cluster.kill(led.unwrap(), false);
        cluster.disk(3).fail_next_sync();
        // A candidate asks it, and its only write says that it has yet to be filled.
        cluster.start(3);
        sleep(Duration::from_secs(10)).await;
    });
    assert_eq!(report.violation, None);
    assert_eq!(report.counts["a failed disk ends its node"], 1);
}

#[test]
fn a_disk_that_fails_when_nobody_waits_for_it_ends_the_node() {
    let report = tell(0, false, async {
        let cluster = Cluster::new(BTreeSet::from([1, 2, 3]), None);
        for node in 1..=3 {
            cluster.start(node);
        }
        for number in 1..=30 {
            append(&cluster, number).await;
        }
        sleep(Duration::from_secs(1)).await;
        let leader = cluster.leader().unwrap();
        cluster.disk(leader.node).fail_next_sync();
        // The log is purged after it, and then nothing more is written.
        let process = leader.process.clone();
        process.spawn(async move { leader.group.trigger_snapshot().await });
        sleep(Duration::from_secs(10)).await;
    });
    assert_eq!(report.violation, None);
    assert_eq!(report.counts["a failed disk ends its node"], 1);
}

#[test]
fn a_node_without_its_disk_takes_nothing_before_the_others_have_told_it_where_they_are() {
    let report = tell(0, false, async {
        let cluster = Cluster::new(BTreeSet::from([1, 2, 3]), None);
        for node in 1..=3 {
            cluster.start(node);
        }
        append(&cluster, 1).await;
        let leader = cluster.leader().unwrap().node;
        let [unlucky, away] = [leader % 3 + 1, (leader + 1) % 3 + 1];
        // The one that is away could have led since, with the help of the unlucky one.
        cluster.network.cut(&[(away, leader), (leader, away)]);
        cluster.network.cut(&[(away, unlucky), (unlucky, away)]);
        append(&cluster, 2).await;
        cluster.kill(unlucky, true);
        cluster.replace_disk(unlucky, true);
        cluster.start(unlucky);
        sleep(Duration::from_secs(10)).await;
        let status = cluster.running(unlucky).unwrap().group.status();
        assert_eq!((status.last_log, status.leader), (0, None), "{status:?}");

        cluster.network.mend(&[(away, leader), (leader, away)]);
        cluster.network.mend(&[(away, unlucky), (unlucky, away)]);
        append(&cluster, 3).await;
        sleep(Duration::from_secs(10)).await;
        assert!(cluster.running(unlucky).unwrap().has_caught_up());
    });
    assert_eq!(report.violation, None);
}

/// A disk that has acknowledged a write is lost, and the node in its place could elect one that
/// has never seen the write.
async fn a_lost_disk_beside_an_old_log(bug: Option<Bug>) {
    let cluster = Cluster::new(BTreeSet::from([1, 2, 3]), bug);
    for node in 1..=3 {
        cluster.start(node);
    }
    append(&cluster, 1).await;
    let leader = cluster.leader().unwrap().node;
    let [unlucky, away] = [leader % 3 + 1, (leader + 1) % 3 + 1];
    let beside = [(away, unlucky), (unlucky, away)];
    let above = [
        (leader, away),
        (away, leader),
        (leader, unlucky),
        (unlucky, leader),
    ];
    cluster.network.cut(&above[..2]);
    cluster.network.cut(&beside);
    append(&cluster, 2).await;
    cluster.kill(unlucky, true);
    cluster.replace_disk(unlucky, true);
    cluster.network.cut(&above[2..]);
    cluster.network.mend(&beside);
    cluster.start(unlucky);
    sleep(Duration::from_secs(10)).await;
    cluster.network.mend(&above);
    if let Some(lists) = converge(&cluster, 1).await {
        history::judge(&lists);
    }
}

#[test]
fn a_node_without_its_disk_elects_nobody_who_lacks_what_it_has_acknowledged() {
    let report = tell(0, false, a_lost_disk_beside_an_old_log(None));
    assert_eq!(report.violation, None);
}

#[test]
fn a_lost_disk_that_is_not_noticed_is_found() {
    let planted = Some(Bug::UnnoticedLoss);
    let report = tell(0, false, a_lost_disk_beside_an_old_log(planted));
    // What the leader had committed is not what the others have.
    let found = report.violation.expect("a write is lost");
    assert!(found.starts_with("one state per index"), "{found}");
}

#[test]
fn a_member_yet_to_be_filled_is_never_needed_to_elect() {
    let report = tell(0, false, async {
        let cluster = Cluster::new(BTreeSet::from([1, 2, 3]), None);
        let ways = [(1, 3), (3, 1), (2, 3), (3, 2)];
        cluster.network.cut(&ways);
        for node in 1..=3 {
            cluster.start(node);
        }
        append(&cluster, 1).await;
        // The third, one of those who are to stay, has heard nothing yet.
        assert!(!change_members(&cluster, BTreeSet::from([2, 3])).await);
        cluster.network.mend(&ways);
        for node in 1..=3 {
            cluster.kill(node, false);
            cluster.start(node);
        }
        sleep(Duration::from_secs(10)).await;
        assert!(cluster.leader().is_some());
        assert!(change_members(&cluster, BTreeSet::from([2, 3])).await);
    });
    assert_eq!(report.violation, None);
}
