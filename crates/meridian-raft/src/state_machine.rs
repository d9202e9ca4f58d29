//! The machine as openraft sees it: applies in batches, answers proposers, takes and installs
//! snapshots, and says when a snapshot is due.

use std::io;
use std::sync::{Arc, Mutex};

use futures::{Stream, StreamExt};
use openraft::OptionalSend;
use openraft::storage::{
    ApplyResponder, EntryResponder, RaftSnapshotBuilder, RaftStateMachine, Snapshot,
};

use crate::Compaction;
use crate::machine::{AnyMachine, Capture};
use crate::runtime::{blocking, watch};
use crate::snapshot::{Image, SnapshotStore};
use crate::types::{LogId, Payload, Reply, SnapshotMeta, StoredMembership, Types, entry_bytes};

/// Entries handed to the machine at once, at most: proposers of the first are not kept waiting
/// for a long catch-up.
const BATCH_ENTRIES: usize = 1024;

type SnapshotOf = openraft::type_config::alias::SnapshotOf<Types, Image>;

/// See the module.
pub(crate) struct StateMachine {
    /// Locked by nobody else; the mutex only makes it shareable.
    machine: Mutex<Box<dyn AnyMachine>>,
    last_applied: Option<LogId>,
    membership: StoredMembership,
    applied: watch::Sender<u64>,
    snapshots: Arc<SnapshotStore>,
    compaction: Compaction,
    /// Applied since the last snapshot was taken.
    since: Since,
    /// Whether a snapshot is due. Stays so until one is begun: openraft drops a
    /// request that comes while it builds the one before.
    due: watch::Sender<bool>,
}

#[derive(Default)]
struct Since {
    bytes: u64,
    entries: u64,
}

impl StateMachine {
    /// A machine that has applied nothing. `applied` is told the index of every entry applied,
    /// `due` whether a snapshot should be taken.
    pub(crate) fn new(
        machine: Box<dyn AnyMachine>,
        applied: watch::Sender<u64>,
        snapshots: Arc<SnapshotStore>,
        compaction: Compaction,
        due: watch::Sender<bool>,
    ) -> Self {
        Self {
            machine: Mutex::new(machine),
            last_applied: None,
            membership: StoredMembership::default(),
            applied,
            snapshots,
            compaction,
            since: Since::default(),
            due,
        }
    }

    fn machine(&mut self) -> &mut dyn AnyMachine {
        self.machine
            .get_mut()
            .expect("a panic of the machine is caught")
            .as_mut()
    }

    fn publish(&self) {
        let index = self.last_applied.map_or(0, |id| id.index);
        self.applied.send_replace(index);
    }

    fn update_due(&self) {
        let bytes = self.compaction.log_bytes.max(self.snapshots.newest_bytes());
        let entries = self.compaction.log_entries.unwrap_or(u64::MAX);
        let due = self.since.bytes >= bytes || self.since.entries >= entries;
        self.due
            .send_if_modified(|was| std::mem::replace(was, due) != due);
    }

    /// Applies one batch and answers those who proposed it.
    fn apply_batch(&mut self, batch: Vec<EntryResponder<Types>>) -> io::Result<()> {
        let mut entries = Vec::with_capacity(batch.len());
        let mut wanted = Vec::with_capacity(batch.len());
        let mut answers = Vec::with_capacity(batch.len());
        for (entry, responder) in batch {
            self.last_applied = Some(entry.log_id);
            self.since.bytes += entry_bytes(&entry);
            self.since.entries += 1;
            let ours = match entry.payload {
                Payload::Blank => false,
                Payload::Normal(data) => {
                    entries.push((entry.log_id.index, data.0));
                    wanted.push(responder.is_some());
                    true
                }
                Payload::Membership(membership) => {
                    self.membership = StoredMembership::new(Some(entry.log_id), membership);
                    false
                }
            };
            answers.push((ours, responder));
        }
        let replies = match entries.is_empty() {
            true => Vec::new(),
            false => self
                .machine()
                .apply(entries, &wanted)
                .map_err(io::Error::other)?,
        };
        self.publish();
        let mut replies = replies.into_iter();
        for (ours, responder) in answers {
            let reply = if ours { replies.next() } else { None };
            if let Some(responder) = responder {
                ApplyResponder::send(responder, reply.unwrap_or(Reply(None)));
            }
        }
        Ok(())
    }
}

impl RaftStateMachine<Types> for StateMachine {
    type SnapshotData = Image;
    type SnapshotBuilder = Builder;

    async fn applied_state(&mut self) -> io::Result<(Option<LogId>, StoredMembership)> {
        Ok((self.last_applied, self.membership.clone()))
    }

    async fn apply<Strm>(&mut self, entries: Strm) -> io::Result<()>
    where
        Strm: Stream<Item = io::Result<EntryResponder<Types>>> + Unpin + OptionalSend,
    {
        // The entries come from memory: a chunk is full, or the last.
        let mut chunks = entries.chunks(BATCH_ENTRIES);
        while let Some(chunk) = chunks.next().await {
            let batch = chunk.into_iter().collect::<io::Result<Vec<_>>>()?;
            self.apply_batch(batch)?;
        }
        self.update_due();
        Ok(())
    }

    async fn get_snapshot_builder(&mut self) -> Builder {
        self.since = Since::default();
        self.update_due();
        let meta = SnapshotMeta {
            last_log_id: self.last_applied,
            last_membership: self.membership.clone(),
        };
        Builder {
            meta,
            capture: Mutex::new(Some(self.machine().snapshot())),
            snapshots: Arc::clone(&self.snapshots),
        }
    }

    async fn install_snapshot(&mut self, meta: &SnapshotMeta, image: Image) -> io::Result<()> {
        let snapshots = Arc::clone(&self.snapshots);
        let expected = meta.clone();
        let (image, body) = blocking(move || {
            let (found, body) = image.open()?;
            match found == expected {
                true => Ok((image, body)),
                false => Err(io::Error::other("the snapshot covers something else")),
            }
        })
        .await?;
        self.machine().restore(&body).map_err(io::Error::other)?;
        drop(body);
        let installed = meta.clone();
        blocking(move || snapshots.install(&installed, image)).await?;
        self.last_applied = meta.last_log_id;
        self.membership = meta.last_membership.clone();
        self.since = Since::default();
        self.update_due();
        self.publish();
        Ok(())
    }

    async fn get_current_snapshot(&mut self) -> io::Result<Option<SnapshotOf>> {
        let newest = self.snapshots.newest();
        Ok(newest.map(|(meta, snapshot)| Snapshot { meta, snapshot }))
    }
}

/// A captured state on its way to becoming a snapshot.
pub(crate) struct Builder {
    meta: SnapshotMeta,
    /// Taken once; the mutex only makes it shareable.
    capture: Mutex<Option<Capture>>,
    snapshots: Arc<SnapshotStore>,
}

impl RaftSnapshotBuilder<Types> for Builder {
    type SnapshotData = Image;

    async fn build_snapshot(&mut self) -> io::Result<SnapshotOf> {
        let capture = self.capture.get_mut().ok().and_then(Option::take);
        let capture = capture.ok_or_else(|| io::Error::other("a snapshot is built only once"))?;
        let (meta, snapshots) = (self.meta.clone(), Arc::clone(&self.snapshots));
        blocking(move || {
            let snapshot = snapshots.save(&meta, &capture())?;
            Ok(Snapshot { meta, snapshot })
        })
        .await
    }
}
