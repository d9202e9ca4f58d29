//! Disks of nodes: pretended ones that outlive their nodes, and real ones that
//! fail on purpose.

#![allow(
    clippy::unwrap_used,
    reason = "a test stops where something is missing"
)]
#![allow(dead_code, reason = "the harness serves other tests too")]

mod cluster;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cluster::Cluster;
use meridian_raft::{DiskFaults, Memory};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_started_again_on_its_memory_has_forgotten_nothing() {
    let mut cluster = Cluster::ephemeral(1);
    let mut config = cluster.config(1);
    config.memory = Memory::default();
    cluster.start_with(config.clone()).await;
    cluster.leader().await;
    let index = cluster.propose("remembered").await;
    cluster.stop(1).await;
    cluster.start_with(config).await;
    cluster.leader().await;
    let later = cluster.propose("after it").await;
    assert!(later > index);
    let entries = cluster.all_agree_at(later).await;
    assert_eq!(entries, ["remembered", "after it"]);
    cluster.stop_all().await;
}

/// A disk that takes nothing once it is full.
#[derive(Default)]
struct Filling {
    full: AtomicBool,
}

impl DiskFaults for Filling {
    fn before_write(&self) -> io::Result<()> {
        match self.full.load(Ordering::SeqCst) {
            true => Err(io::ErrorKind::StorageFull.into()),
            false => Ok(()),
        }
    }

    fn before_sync(&self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_whose_disk_is_full_ends_and_starts_again_when_it_is_not() {
    let mut cluster = Cluster::on_disk(1);
    let disk = Arc::new(Filling::default());
    let mut config = cluster.config(1);
    config.disk_faults = Some(disk.clone());
    cluster.start_with(config.clone()).await;
    cluster.leader().await;
    cluster.propose("before").await;
    disk.full.store(true, Ordering::SeqCst);
    let node = cluster.nodes[&1].clone();
    let refused = node.propose("full".into()).await;
    assert!(refused.is_err());
    assert!(node.failed().await.is_some());
    cluster.stop(1).await;
    disk.full.store(false, Ordering::SeqCst);
    cluster.start_with(config).await;
    cluster.leader().await;
    let index = cluster.propose("after").await;
    let entries = cluster.all_agree_at(index).await;
    assert_eq!(entries.first().map(|it| &it[..]), Some(&b"before"[..]));
    assert_eq!(entries.last().map(|it| &it[..]), Some(&b"after"[..]));
    cluster.stop_all().await;
}
