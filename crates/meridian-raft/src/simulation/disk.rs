//! A simulated disk: the in-memory engine, which forgets what was not synced, and the snapshot
//! kept beside it. It outlives the processes that use it, can fail, and can be made to lie.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::chronicle::note;
use super::process::Process;
use super::{Bug, dice, judge};
use crate::NodeId;
use crate::engine::memory::{MemoryDisk, MemoryEngine};
use crate::engine::{Change, Engine, Stored};
use crate::snapshot::SnapshotStore;
use crate::stores::{self, Stores};
use crate::types::Vote;

/// See the module. Clones name the same disk.
#[derive(Clone)]
pub(super) struct Disk {
    node: NodeId,
    bug: Option<Bug>,
    memory: MemoryDisk,
    snapshots: Arc<Mutex<Arc<SnapshotStore>>>,
    failing: Arc<AtomicBool>,
}

impl Disk {
    /// An empty disk.
    pub(super) fn new(node: NodeId, bug: Option<Bug>) -> Self {
        let snapshots = SnapshotStore::in_memory();
        Self {
            node,
            bug,
            memory: MemoryDisk::default(),
            snapshots: Arc::new(Mutex::new(Arc::new(snapshots))),
            failing: Arc::default(),
        }
    }

    /// Opens what is on it, as a starting process does.
    pub(super) fn open(&self) -> io::Result<Stores> {
        let engine = Box::new(FaultyEngine {
            disk: self.clone(),
            inner: self.memory.engine(),
            failed: false,
            votes: false,
        });
        stores::read(
            engine,
            Arc::clone(&self.snapshots.lock().expect("held briefly")),
        )
    }

    /// Writes a vote for another, by which any node but a founder knows that the disk is its own.
    pub(super) fn seem_used(&self) {
        let mut engine = self.memory.engine();
        let vote = Change::Vote(Vote::new(1, self.node + 1));
        engine.write(&[vote]).expect("memory fails nobody");
        engine.sync().expect("memory fails nobody");
    }

    /// The next sync fails, and with it the disk until the process is gone.
    pub(super) fn fail_next_sync(&self) {
        self.failing.store(true, Ordering::Relaxed);
    }

    /// The machine loses its power: a part of what was not synced is gone.
    pub(super) fn cut_power(&self) {
        let unsynced = self.memory.unsynced() as u64;
        let kept = dice::between(0, unsynced);
        let torn = dice::one_in(2);
        note!(
            "disk {} loses power, keeps {kept} of {unsynced} (torn: {torn})",
            self.node
        );
        let kept = usize::try_from(kept).expect("a number of batches");
        self.memory.cut_power(kept, torn);
        self.failing.store(false, Ordering::Relaxed);
    }

    /// What is durable on it: the log, and the index that the snapshot ends with.
    pub(super) fn durable(&self) -> (Stored, Option<u64>) {
        let newest = self.snapshots.lock().expect("held briefly").newest();
        let covered = newest.and_then(|(meta, _)| Some(meta.last_log_id?.index));
        (self.memory.durable(), covered)
    }
}

/// The engine of one process on a [`Disk`].
struct FaultyEngine {
    disk: Disk,
    inner: MemoryEngine,
    failed: bool,
    /// Whether a vote waits for the next sync.
    votes: bool,
}

impl Engine for FaultyEngine {
    fn load(&mut self) -> io::Result<Stored> {
        let stored = self.inner.load()?;
        note!(
            "disk {} opens: vote {:?}, purged {:?}, {} entries",
            self.disk.node,
            stored.vote.map(|vote| vote.to_string()),
            stored.purged.map(|id| id.index),
            stored.entries.len()
        );
        judge::opened(self.disk.node, &stored);
        Ok(stored)
    }

    fn write(&mut self, changes: &[Change]) -> io::Result<()> {
        if self.failed {
            judge::convict(format!(
                "node {} goes on writing after its disk has failed",
                self.disk.node
            ));
        }
        for change in changes {
            note!("disk {} {}", self.disk.node, Shown(change));
        }
        let is_vote = |change: &Change| matches!(change, Change::Vote(_));
        self.votes |= changes.iter().any(is_vote);
        if self.disk.bug == Some(Bug::ForgottenVote) {
            let mut kept = changes.to_vec();
            kept.retain(|change| !is_vote(change));
            return self.inner.write(&kept);
        }
        self.inner.write(changes)
    }

    fn sync(&mut self) -> io::Result<()> {
        if self.disk.failing.swap(false, Ordering::Relaxed) {
            note!("disk {} fails to sync", self.disk.node);
            self.failed = true;
            if let Some(process) = Process::current() {
                tokio::spawn(must_end(self.disk.node, process));
            }
            return Err(io::Error::other("the simulated disk fails"));
        }
        note!("disk {} synced", self.disk.node);
        let votes = std::mem::take(&mut self.votes);
        match self.disk.bug {
            // Were it to lie about votes, it would be found by these.
            Some(Bug::LyingFlush) if !votes => Ok(()),
            _ => self.inner.sync(),
        }
    }

    fn tidy(&mut self) -> io::Result<bool> {
        self.inner.tidy()
    }

    fn close(self: Box<Self>) -> io::Result<()> {
        Ok(())
    }
}

/// A node whose disk has failed knows nothing of it any more: it has to end.
async fn must_end(node: NodeId, process: Process) {
    const BOUND: Duration = Duration::from_secs(2);
    tokio::time::sleep(BOUND).await;
    while process.is_paused() {
        tokio::time::sleep(BOUND).await;
    }
    let what = || format!("node {node} runs on");
    judge::check("a failed disk ends its node", process.is_dead(), what);
}

struct Shown<'a>(&'a Change);

impl std::fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Change::Vote(vote) => write!(f, "vote {vote}"),
            Change::Committed(id) => write!(f, "committed {:?}", id.map(|id| id.index)),
            Change::Append(entries) => {
                let index = |entry: Option<&crate::types::Entry>| entry.map(|it| it.log_id.index);
                write!(
                    f,
                    "append {:?}..={:?}",
                    index(entries.first()),
                    index(entries.last())
                )
            }
            Change::Truncate(from) => write!(f, "truncate from {from}"),
            Change::Purge(upto) => write!(f, "purge up to {}", upto.index),
            Change::CatchingUp(yes) => write!(f, "catching up: {yes}"),
        }
    }
}
