//! Whole groups in one process: what a node's owner can rely on.

#![allow(
    clippy::unwrap_used,
    reason = "a test stops where something is missing"
)]

mod cluster;

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use cluster::{Cluster, PATIENCE};
use meridian_raft::{
    Compaction, Group, GroupConfig, HandleError, NodeId, ProposeError, ReadError, TransferError,
};

fn others(of: NodeId) -> Vec<NodeId> {
    (1..=3).filter(|node| *node != of).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_of_one_leads_itself_and_answers() {
    let mut cluster = Cluster::on_disk(1);
    cluster.start_all().await;
    cluster.leader().await;
    let index = cluster.propose("first").await;
    let node = &cluster.nodes[&1];
    assert!(node.read_index().await.unwrap() >= index);
    assert_eq!(node.status().applied, index);
    cluster.stop_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_nodes_elect_one_leader_and_apply_the_same_in_the_same_order() {
    let mut cluster = Cluster::on_disk(3);
    cluster.start_all().await;
    cluster.leader().await;
    let mut last = 0;
    for number in 0..20 {
        last = cluster.propose(format!("entry {number}")).await;
    }
    let entries = cluster.all_agree_at(last).await;
    assert_eq!(entries.len(), 20);
    assert_eq!(entries[7], "entry 7");
    cluster.stop_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_refuses_and_names_the_leader() {
    let mut cluster = Cluster::ephemeral(3);
    cluster.start_all().await;
    let leader = cluster.leader().await;
    let follower = &cluster.nodes[&others(leader)[0]];
    let leader = Some(leader);
    assert_eq!(
        follower.propose(Bytes::from("x")).await.unwrap_err(),
        ProposeError::NotLeader { leader }
    );
    assert_eq!(
        follower.read_index().await.unwrap_err(),
        ReadError::NotLeader { leader }
    );
    assert_eq!(
        follower.transfer_leadership(1).await.unwrap_err(),
        TransferError::NotLeader { leader }
    );
    cluster.stop_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_proposals_at_once_share_their_syncs() {
    let mut cluster = Cluster::on_disk(3);
    cluster.start_all().await;
    let leader = cluster.nodes[&cluster.leader().await].clone();
    let before = leader.status().syncs;
    let proposals = (0..500).map(|number| {
        let leader = leader.clone();
        tokio::spawn(async move { leader.propose(Bytes::from(format!("{number}"))).await })
    });
    let mut last = 0;
    for proposal in proposals.collect::<Vec<_>>() {
        last = last.max(proposal.await.unwrap().unwrap().0);
    }
    assert_eq!(cluster.all_agree_at(last).await.len(), 500);
    let syncs = leader.status().syncs - before;
    assert!((1..250).contains(&syncs), "{syncs} syncs for 500 entries");
    cluster.stop_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restarted_group_holds_everything_it_acknowledged() {
    let mut cluster = Cluster::on_disk(3);
    cluster.start_all().await;
    for number in 0..30 {
        let long = if number % 10 == 3 { 100_000 } else { 100 };
        cluster.propose(vec![number; long]).await;
    }
    cluster.stop_all().await;
    cluster.start_all().await;
    let last = cluster.propose("after").await;
    let entries = cluster.all_agree_at(last).await;
    assert_eq!(entries.len(), 31);
    for number in 0..30_u8 {
        assert!(
            entries[usize::from(number)]
                .iter()
                .all(|byte| *byte == number)
        );
    }
    for node in cluster.members() {
        let blobs = cluster.directory(node).join("log").join("blobs");
        assert_eq!(std::fs::read_dir(blobs).map_or(0, Iterator::count), 0);
    }
    cluster.stop_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_preferred_node_leads_a_restarted_group_before_any_election_times_out() {
    let mut cluster = Cluster::on_disk(3);
    cluster.start_all().await;
    cluster.propose("x").await;
    cluster.stop_all().await;
    // Nobody times out within the test's patience: only the preferred node can have stood.
    for node in cluster.members() {
        let mut config = cluster.config(node);
        config.election_timeout_min = PATIENCE * 2;
        config.election_timeout_max = PATIENCE * 3;
        cluster.start_with(config).await;
    }
    assert_eq!(cluster.leader().await, 1);
    cluster.stop_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_away_past_the_compaction_point_catches_up_by_snapshot() {
    let mut cluster = Cluster::on_disk(3);
    cluster.compaction = Compaction {
        log_entries: Some(50),
        keep_entries: 5,
        ..Compaction::default()
    };
    cluster.start_all().await;
    let leader = cluster.leader().await;
    let away = others(leader)[0];
    let before = cluster.propose("before").await;
    cluster.all_agree_at(before).await;
    cluster.stop(away).await;
    let mut last = 0;
    for number in 0..120 {
        // More than one piece of a snapshot in all.
        last = cluster.propose(vec![number; 20_000]).await;
    }
    let status = cluster.wait(leader, |status| status.purged.is_some()).await;
    assert!(status.purged.unwrap() > 40, "{status:?}");
    assert!(status.snapshot >= status.purged, "{status:?}");

    cluster.start(away).await;
    let entries = cluster.all_agree_at(last).await;
    assert_eq!(entries.len(), 121);
    let status = cluster.nodes[&away].status();
    assert!(status.snapshot.is_some(), "{status:?}");

    // What came by snapshot is still there after a restart, and so is the group.
    cluster.stop_all().await;
    cluster.start_all().await;
    let last = cluster.propose("after").await;
    assert_eq!(cluster.all_agree_at(last).await.len(), 122);
    cluster.stop_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_is_compacted_by_its_bytes_in_proportion_to_the_snapshot() {
    let mut cluster = Cluster::ephemeral(1);
    cluster.compaction = Compaction {
        log_bytes: 100_000,
        log_entries: None,
        keep_entries: 0,
    };
    cluster.start_all().await;
    cluster.leader().await;
    for _ in 0..11 {
        cluster.propose(vec![0; 10_000]).await;
    }
    let first = cluster.wait(1, |status| status.snapshot.is_some()).await;
    // The snapshot is at least as long as the bound: the next is due after as much again.
    let length = 10_000 * (first.snapshot.unwrap() - 1);
    let mut proposed = 0;
    while cluster.nodes[&1].status().snapshot == first.snapshot {
        cluster.propose(vec![0; 10_000]).await;
        proposed += 10_000;
        assert!(proposed < 3 * length, "no second snapshot");
    }
    assert!(proposed + 20_000 > length, "{proposed} after {length}");
    // Entries that came while the snapshot was being taken stay.
    let second = cluster.nodes[&1].status().snapshot;
    cluster.wait(1, |status| status.purged >= second).await;
    cluster.stop_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_isolated_leader_answers_nothing_and_yields_when_it_is_back() {
    let mut cluster = Cluster::on_disk(3);
    cluster.start_all().await;
    let old = cluster.leader().await;
    let kept = cluster.propose("kept").await;
    // Who has yet to meet its group helps nobody else to lead it.
    cluster.all_agree_at(kept).await;
    cluster.isolate(old);
    let stranded = cluster.nodes[&old].clone();
    let lost = tokio::spawn(async move { stranded.propose(Bytes::from("lost")).await });
    assert!(matches!(
        cluster.nodes[&old].read_index().await.unwrap_err(),
        ReadError::NoQuorum(_)
    ));

    let index = cluster.propose_among(&others(old), "new").await;
    assert!(!lost.is_finished());
    // By this time the old one knows that it can no longer promise anything.
    assert_eq!(
        cluster.nodes[&old]
            .propose(Bytes::from("refused"))
            .await
            .unwrap_err(),
        ProposeError::NotLeader { leader: None }
    );
    cluster.heal();
    assert!(matches!(
        lost.await.unwrap().unwrap_err(),
        ProposeError::Unknown(_)
    ));
    let entries = cluster.all_agree_at(index).await;
    assert_eq!(entries, ["kept", "new"]);
    cluster.stop_all().await;
}

/// Pre-vote: its term does not rise while it is alone, so the group need not elect again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_isolated_follower_does_not_disturb_the_group_when_it_is_back() {
    let mut cluster = Cluster::ephemeral(3);
    cluster.start_all().await;
    let leader = cluster.leader().await;
    let alone = others(leader)[0];
    let first = cluster.propose("x").await;
    cluster.all_agree_at(first).await;
    let term = cluster.nodes[&leader].status().term;
    cluster.isolate(alone);
    for _ in 0..5 {
        cluster.nodes[&alone].trigger_election().await;
    }
    let last = cluster.propose_at(leader, "y").await;
    cluster.heal();
    cluster.all_agree_at(last).await;
    let status = cluster.nodes[&leader].status();
    assert_eq!((status.term, status.leader), (term, Some(leader)));
    cluster.stop_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leadership_can_be_handed_over() {
    let mut cluster = Cluster::ephemeral(3);
    cluster.start_all().await;
    let old = cluster.leader().await;
    let first = cluster.propose("x").await;
    cluster.all_agree_at(first).await;
    let new = others(old)[1];
    let node = &cluster.nodes[&old];
    assert_eq!(
        node.transfer_leadership(9).await.unwrap_err(),
        TransferError::NotMember(9)
    );
    node.transfer_leadership(new).await.unwrap();
    cluster.wait(old, |status| status.leader == Some(new)).await;
    let last = cluster.propose("y").await;
    cluster.all_agree_at(last).await;
    cluster.stop_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leadership_handed_to_the_leader_stays_and_works() {
    let mut cluster = Cluster::ephemeral(1);
    cluster.start_all().await;
    cluster.leader().await;
    cluster.nodes[&1].transfer_leadership(1).await.unwrap();
    cluster.propose_at(1, "x").await;
    cluster.stop_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_can_be_added_and_taken_away() {
    let mut cluster = Cluster::ephemeral(3);
    cluster.start_all().await;
    let leader = cluster.leader().await;
    let first = cluster.propose("x").await;
    cluster.all_agree_at(first).await;
    let mut config = GroupConfig::new(4, [1, 2, 3, 4]);
    config.joins = true;
    cluster.start_with(config).await;

    let away = others(leader)[0];
    let members: BTreeSet<NodeId> = (1..=4).filter(|node| *node != away).collect();
    let node = &cluster.nodes[&leader];
    let index = node.change_members(members.clone()).await.unwrap();
    assert!(index > first);
    assert_eq!(node.members(), members);
    cluster.stop(away).await;
    let last = cluster.propose("y").await;
    assert_eq!(cluster.all_agree_at(last).await, ["x", "y"]);
    assert_eq!(cluster.nodes[&4].members(), members);
    cluster.stop_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ephemeral_node_that_lost_everything_is_filled_again() {
    let mut cluster = Cluster::ephemeral(3);
    cluster.start_all().await;
    let mut last = 0;
    for number in 0..10 {
        last = cluster.propose(format!("{number}")).await;
    }
    cluster.all_agree_at(last).await;
    // The founder of all nodes, which would found the group anew if it could.
    cluster.stop(1).await;
    cluster.leader().await;
    cluster.propose("while away").await;
    cluster.start(1).await;
    let last = cluster.propose("after").await;
    assert_eq!(cluster.all_agree_at(last).await.len(), 12);
    cluster.stop_all().await;
}

/// Two of three hold an entry; one of these forgets it. With the vote of the forgetful one the
/// third could lead without the entry: that vote must not be given.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_lost_its_log_cannot_vote_an_acknowledged_entry_away() {
    let mut cluster = Cluster::ephemeral(3);
    cluster.start_all().await;
    cluster.wait(3, |status| status.leader.is_some()).await;
    let first = cluster.propose("known to all").await;
    cluster.all_agree_at(first).await;
    the_forgetful_give_no_vote(cluster).await;
}

/// The same when the third has seen no more than the founding of the group.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_lost_its_log_cannot_vote_the_first_entry_away() {
    let mut cluster = Cluster::ephemeral(3);
    // The first two elect one of them, and the third only hears of it.
    cluster.start(1).await;
    cluster.start(2).await;
    cluster.leader().await;
    cluster.start(3).await;
    cluster.wait(3, |status| status.committed == 1).await;
    the_forgetful_give_no_vote(cluster).await;
}

/// The same when the forgetful one founded the group: it founds it anew, asks for votes, and
/// learns of a term in which it remembers nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_founder_that_lost_its_log_cannot_vote_an_acknowledged_entry_away() {
    let mut cluster = Cluster::ephemeral(3);
    cluster.start_all().await;
    cluster.wait(3, |status| status.leader.is_some()).await;
    let first = cluster.propose("known to all").await;
    cluster.all_agree_at(first).await;
    let old = cluster.leader().await;
    if old != 2 {
        let asked = cluster.nodes[&old].transfer_leadership(2).await;
        asked.unwrap();
        cluster.wait(old, |status| status.leader == Some(2)).await;
    }
    the_forgetful_give_no_vote(cluster).await;
}

async fn the_forgetful_give_no_vote(mut cluster: Cluster) {
    let leader = cluster.leader().await;
    let (forgetful, lacking) = (others(leader)[0], others(leader)[1]);
    cluster.isolate(lacking);
    cluster.propose_at(leader, "acknowledged").await;
    cluster.stop(forgetful).await;
    cluster.stop(leader).await;
    cluster.heal();

    cluster.start(forgetful).await;
    let before = cluster.answered(lacking, forgetful);
    // With one question and one vote granted it would lead.
    while cluster.answered(lacking, forgetful) < before + 6 {
        cluster.nodes[&lacking].trigger_election().await;
        cluster.nodes[&forgetful].trigger_election().await;
        let mut status = cluster.nodes[&lacking].status_watch();
        let led = status.wait_for(|status| status.leader.is_some_and(|by| by != leader));
        let led = tokio::time::timeout(Duration::from_millis(50), led).await;
        assert!(led.is_err(), "a leader without the acknowledged entry");
    }
    cluster.stop_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_store_is_moved_aside_and_filled_by_the_others() {
    let mut cluster = Cluster::on_disk(3);
    cluster.compaction.log_entries = Some(10);
    cluster.compaction.keep_entries = 0;
    cluster.start_all().await;
    let mut last = 0;
    for number in 0..40 {
        last = cluster.propose(format!("{number}")).await;
    }
    cluster.all_agree_at(last).await;
    cluster.wait(3, |status| status.snapshot.is_some()).await;
    cluster.stop(3).await;
    let snapshot = cluster.directory(3).join("snapshot");
    let mut bytes = std::fs::read(&snapshot).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&snapshot, bytes).unwrap();

    cluster.start(3).await;
    let last = cluster.propose("after").await;
    assert_eq!(cluster.all_agree_at(last).await.len(), 41);
    let aside = cluster.directory(3).with_extension("damaged-1");
    assert!(aside.join("snapshot").exists());
    cluster.stop_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_store_of_a_group_of_one_is_refused() {
    let mut cluster = Cluster::on_disk(1);
    cluster.compaction.log_entries = Some(5);
    cluster.start_all().await;
    for number in 0..10 {
        cluster.propose(format!("{number}")).await;
    }
    cluster.wait(1, |status| status.snapshot.is_some()).await;
    cluster.stop(1).await;
    std::fs::write(cluster.directory(1).join("snapshot"), [1, 2, 3]).unwrap();
    let error = cluster.try_start(cluster.config(1)).await.unwrap_err();
    let text = format!("{error:#}");
    assert!(text.contains("a group of one has no other copy"), "{text}");
    assert!(text.contains("the snapshot is damaged"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panicking_machine_is_reported_as_fatal() {
    let mut cluster = Cluster::ephemeral(1);
    cluster.start_all().await;
    cluster.leader().await;
    let node = cluster.nodes[&1].clone();
    let proposed = node.propose(Bytes::from("poison")).await;
    assert!(
        matches!(proposed, Err(ProposeError::Unknown(_))),
        "{proposed:?}"
    );
    let reason = tokio::time::timeout(PATIENCE, node.failed()).await.unwrap();
    assert!(reason.unwrap().contains("the machine panicked"));
    cluster.stop_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_node_refuses_everything_and_its_directory_can_be_opened_at_once() {
    let mut cluster = Cluster::on_disk(1);
    for round in 0..5 {
        cluster.start_all().await;
        cluster.propose(format!("{round}")).await;
        let node = cluster.nodes[&1].clone();
        cluster.stop(1).await;
        node.stop().await;
        assert_eq!(
            node.propose(Bytes::from("x")).await.unwrap_err(),
            ProposeError::Stopped
        );
        assert_eq!(node.read_index().await.unwrap_err(), ReadError::Stopped);
        assert_eq!(
            node.handle(1, Bytes::new()).await.unwrap_err(),
            HandleError::Stopped
        );
        assert_eq!(node.failed().await, None);
        assert!(!node.wait_applied(u64::MAX, PATIENCE).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_of_strangers_are_refused() {
    let mut cluster = Cluster::ephemeral(1);
    cluster.start_all().await;
    let node: &Group<_> = &cluster.nodes[&1];
    for (kind, payload) in [
        (1, &[][..]),
        (1, &[9, 1]),
        (2, &[1]),
        (4, &[1, 0xff]),
        (77, &[1]),
    ] {
        let refused = node.handle(kind, Bytes::from_static(payload)).await;
        assert!(matches!(refused, Err(HandleError::Malformed(_))), "{kind}");
    }
    cluster.stop_all().await;
}
