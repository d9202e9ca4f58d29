//! An answered write is on the disks of a majority. That an append waits for
//! its `fdatasync` is proved in `meridian-raft`; here it is seen from outside.

use std::path::Path;
use std::time::Duration;

use meridian_proto::v1::CreateKeyRequest;
use meridian_tests::{LocalCluster, Place, REGIONS, eventually, search};

const REGION: &str = REGIONS[0];
const WITHIN: Duration = Duration::from_secs(60);

/// Keys with entries of nearly forty kilobytes each, the most that AWS's limits
/// allow, in snapshots of more than a megabyte.
const BIG_KEYS: usize = 40;
const POLICY_BYTES: usize = 30_000;
const DESCRIPTION_BYTES: usize = 8_192;

#[tokio::test]
async fn a_write_is_answered_after_a_majority_has_synced_its_log() {
    let cluster = LocalCluster::start_only(REGION, &[]).await;
    let client = cluster.client(REGION);
    let key_id = client.create_external_key().await.expect("a key");
    let mut before = quiet_syncs(&cluster).await;
    for number in 0..20 {
        let alias = format!("synced-{number}");
        client.create_alias(&alias, &key_id).await.expect("a name");
        let answered = syncs(&cluster).await;
        let synced = answered
            .iter()
            .zip(&before)
            .filter(|(after, before)| after > before);
        assert!(
            synced.count() >= 2,
            "write {number}: {before:?}, then {answered:?}"
        );
        // The last node may be behind; its sync must not count for the next write.
        before = quiet_syncs(&cluster).await;
    }
}

#[tokio::test]
async fn a_write_survives_a_crash_of_all_nodes_and_the_loss_of_any_disk() {
    let cluster = LocalCluster::start_only(REGION, &[]).await;
    let client = cluster.client_of(Place {
        region: REGION,
        id: 2,
    });
    let mut written = Vec::new();
    for lost in Place::of(REGION) {
        let survivors: Vec<Place> = Place::of(REGION).filter(|place| *place != lost).collect();
        // It may have been started only a moment ago.
        let writer = cluster.client_of(survivors[0]);
        let create = async || writer.create_external_key().await;
        let created = eventually("a key is created", WITHIN, create, Result::is_ok).await;
        let key_id = created.expect("it was accepted");
        cluster.script(&["kill", REGION]).await;
        written.push(key_id);

        let aside = cluster.directory().join("aside");
        std::fs::rename(cluster.data_dir(lost), &aside).expect("a stopped node's directory moves");
        for place in &survivors {
            cluster.start_node(*place).await;
        }
        cluster.leader(REGION).await;
        let survivor = cluster.client_of(survivors[1]);
        for key_id in &written {
            let found = survivor.describe_key(key_id).await;
            assert!(found.is_ok(), "without {lost}: {found:?}");
        }
        std::fs::rename(&aside, cluster.data_dir(lost)).expect("the directory moves back");
        cluster.start_node(lost).await;
    }
    let look = async || client.describe_key(&written[2]).await;
    let found = eventually("all nodes are back", WITHIN, look, Result::is_ok).await;
    assert_eq!(
        found.expect("it was accepted").key_id.as_ref(),
        Some(&written[2])
    );
}

/// The member with the smallest ID founds a region, unless it is told that there
/// is one.
#[tokio::test]
async fn a_node_that_joins_founds_no_region_and_is_filled_by_one() {
    let founder = Place {
        region: REGION,
        id: 1,
    };
    for (joins, founds) in [("false", true), ("true", false)] {
        let cluster = LocalCluster::start_alone(founder, &[("MERIDIAN_JOINS", joins)]).await;
        let look = async || cluster.gauges(founder).await;
        let gauges = eventually("it serves", WITHIN, look, Option::is_some).await;
        let log_bytes = gauges.expect("it was accepted").log_bytes();
        assert_eq!(log_bytes > 0, founds, "joins: {joins}, {log_bytes} bytes");
    }

    let mut cluster = LocalCluster::start_only(REGION, &[]).await;
    let client = cluster.client(REGION);
    client.create_external_key().await.expect("a key");
    cluster.kill_node(founder).await;
    std::fs::remove_dir_all(cluster.data_dir(founder)).expect("a stopped node's directory");
    cluster.set("MERIDIAN_JOINS", "true");
    cluster.start_node(founder).await;
    let look = async || cluster.gauges(founder).await.map(|it| it.keys());
    eventually("it is filled again", WITHIN, look, |keys| *keys == Some(1)).await;
}

#[tokio::test]
async fn big_entries_stay_out_of_the_folder_that_the_store_never_syncs() {
    let flags = "--compaction-entries 10 --compaction-keep-entries 2";
    let cluster = LocalCluster::start_only(REGION, &[("MERIDIAN_LOCAL_FLAGS", flags)]).await;
    let client = cluster.client(REGION);
    let policy = format!(
        r#"{{"Id":"{}","Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"}}}}"#,
        "p".repeat(POLICY_BYTES)
    );
    let mut key_ids = Vec::new();
    for number in 0..BIG_KEYS {
        let request = CreateKeyRequest {
            policy: Some(policy.clone()),
            description: Some("d".repeat(DESCRIPTION_BYTES)),
            ..Default::default()
        };
        let key_id = client.create_key(request).await.expect("a big key");
        for alias in 0..5 {
            let alias = format!("{}-{number}-{alias}", "a".repeat(200));
            client
                .create_alias(&alias, &key_id)
                .await
                .expect("a long name");
        }
        key_ids.push(key_id);
    }
    for place in Place::of(REGION) {
        let look = async || {
            cluster
                .gauges(place)
                .await
                .map(|it| (it.snapshot(), it.purged()))
        };
        let compacted =
            |it: &Option<(u64, u64)>| it.is_some_and(|(at, purged)| at > 200 && purged > 0);
        eventually("the log is compacted", WITHIN, look, compacted).await;
        assert_never_synced_is_empty(&cluster.data_dir(place));
    }
    cluster.script(&["kill", REGION]).await;
    cluster.script(&["start", REGION]).await;
    cluster.leader(REGION).await;
    for key_id in &key_ids {
        let found = client
            .describe_key(key_id)
            .await
            .expect("a key that was acknowledged");
        assert_eq!(
            found.description.map(|it| it.len()),
            Some(DESCRIPTION_BYTES)
        );
    }
    for place in Place::of(REGION) {
        assert_never_synced_is_empty(&cluster.data_dir(place));
    }
}

/// How often each node has made its log durable.
async fn syncs(cluster: &LocalCluster) -> Vec<u64> {
    let mut syncs = Vec::new();
    for place in Place::of(REGION) {
        let gauges = cluster.gauges(place).await.expect("the node runs");
        syncs.push(gauges.log_syncs());
    }
    syncs
}

/// The same once all nodes are equally far and nothing is written: two looks
/// tell the same.
async fn quiet_syncs(cluster: &LocalCluster) -> Vec<u64> {
    let look = async || {
        let mut positions = Vec::new();
        for place in Place::of(REGION) {
            let gauges = cluster.gauges(place).await.expect("the node runs");
            positions.push((gauges.last_log(), gauges.applied()));
        }
        positions.dedup();
        (positions, syncs(cluster).await, syncs(cluster).await)
    };
    let quiet = |(positions, first, second): &(Vec<_>, Vec<u64>, Vec<u64>)| {
        positions.len() == 1 && first == second
    };
    eventually("nothing is written", WITHIN, look, quiet)
        .await
        .1
}

/// sled puts large values into files of a folder `blobs`, which it never syncs.
fn assert_never_synced_is_empty(directory: &Path) {
    let mut found = Vec::new();
    let bytes = search(directory, |path, _| {
        if path.components().any(|part| part.as_os_str() == "blobs") {
            found.push(path.to_owned());
        }
    });
    assert_eq!(found, Vec::<std::path::PathBuf>::new());
    let written = BIG_KEYS * POLICY_BYTES;
    assert!(
        bytes >= written as u64,
        "only {bytes} bytes in {}",
        directory.display()
    );
}
