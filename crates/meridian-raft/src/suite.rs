//! openraft's own test suite for stores, on both engines.

use std::sync::Arc;

use bytes::Bytes;
use openraft::StorageError;
use openraft::testing::log::{StoreBuilder, Suite};
use tempfile::TempDir;

use crate::engine::Engine;
use crate::engine::disk::DiskEngine;
use crate::engine::memory::MemoryDisk;
use crate::log_store::{Log, LogStore};
use crate::runtime::watch;
use crate::snapshot::SnapshotStore;
use crate::state_machine::StateMachine;
use crate::types::Types;
use crate::writer::Writer;
use crate::{Compaction, Fsync, Machine};

struct Nothing;

impl Machine for Nothing {
    type Outcome = ();
    fn apply(&mut self, entries: Vec<(u64, Bytes)>) -> Vec<()> {
        entries.into_iter().map(|_| ()).collect()
    }
    fn snapshot(&self) -> Box<dyn FnOnce() -> Vec<u8> + Send> {
        Box::new(Vec::new)
    }
    fn restore(&mut self, _: &[u8]) -> Result<(), anyhow::Error> {
        Ok(())
    }
}

fn stores(
    mut engine: Box<dyn Engine>,
    snapshots: SnapshotStore,
) -> std::io::Result<(LogStore, StateMachine)> {
    let log = Log::new(engine.load()?);
    let (writer, _) = Writer::start("suite", engine)?;
    let machine = StateMachine::new(
        Box::new(Nothing),
        watch::channel(0).0,
        Arc::new(snapshots),
        Compaction::default(),
        watch::Sender::new(false),
    );
    Ok((LogStore::new(log, writer), machine))
}

struct OnDisk;

impl StoreBuilder<Types, LogStore, StateMachine, TempDir> for OnDisk {
    async fn build(&self) -> Result<(TempDir, LogStore, StateMachine), StorageError<Types>> {
        let directory = tempfile::tempdir().unwrap();
        let engine = DiskEngine::open(&directory.path().join("log"), 1, Fsync::Durable).unwrap();
        let snapshots = SnapshotStore::open(directory.path()).unwrap();
        let (log, machine) = stores(Box::new(engine), snapshots).unwrap();
        Ok((directory, log, machine))
    }
}

struct InMemory;

impl StoreBuilder<Types, LogStore, StateMachine> for InMemory {
    async fn build(&self) -> Result<((), LogStore, StateMachine), StorageError<Types>> {
        let engine = MemoryDisk::default().engine();
        let snapshots = SnapshotStore::in_memory();
        let (log, machine) = stores(Box::new(engine), snapshots).unwrap();
        Ok(((), log, machine))
    }
}

#[tokio::test]
async fn openrafts_suite_passes_on_disk() {
    Suite::test_all(OnDisk).await.unwrap();
}

#[tokio::test]
async fn openrafts_suite_passes_in_memory() {
    Suite::test_all(InMemory).await.unwrap();
}
