//! The log as openraft sees it: read from memory, written through the writer thread.
//!
//! Compaction keeps the log short, so all of it stays in memory and no read waits for the disk.
//! An append can be read as soon as it is queued and is acknowledged once it is durable.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::io;
use std::ops::{Bound, RangeBounds};
use std::sync::{Arc, Mutex, MutexGuard};

use openraft::storage::{IOFlushed, RaftLogReader, RaftLogStorage};
use openraft::{LogState, OptionalSend};

use crate::engine::{Change, Stored};
use crate::record::corrupt;
use crate::types::{Entry, LogId, Types, Vote, entry_bytes};
use crate::writer::{Told, Writer};

/// Entries sent to a peer in one message end when they are this long together.
const MESSAGE_BYTES: u64 = 1024 * 1024;

/// The log in memory. Clones share it.
#[derive(Clone)]
pub(crate) struct Log(Arc<Mutex<Pages>>);

struct Pages {
    vote: Option<Vote>,
    committed: Option<LogId>,
    purged: Option<LogId>,
    /// Contiguous, all after `purged`.
    entries: VecDeque<Entry>,
    /// Sum of `entry_bytes` over `entries`.
    bytes: u64,
}

impl Log {
    /// The log as it was stored.
    pub(crate) fn new(stored: Stored) -> Self {
        let last = stored.entries.last().map(|entry| entry.log_id);
        let last = last.or(stored.purged);
        Self(Arc::new(Mutex::new(Pages {
            vote: stored.vote,
            // The mark may have reached the disk before the entries did.
            committed: stored
                .committed
                .filter(|committed| Some(*committed) <= last),
            purged: stored.purged,
            bytes: stored.entries.iter().map(entry_bytes).sum(),
            entries: stored.entries.into(),
        })))
    }

    /// The vote last saved.
    pub(crate) fn vote(&self) -> Option<Vote> {
        self.lock().vote
    }

    /// The last entry, or the last purged one.
    pub(crate) fn last(&self) -> Option<LogId> {
        self.lock().last()
    }

    /// Bytes of all entries in the log.
    pub(crate) fn bytes(&self) -> u64 {
        self.lock().bytes
    }

    fn lock(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().expect("no holder of this lock panics")
    }
}

impl Pages {
    fn last(&self) -> Option<LogId> {
        let last = self.entries.back().map(|entry| entry.log_id);
        last.or(self.purged)
    }

    /// Index of the next entry to be appended.
    fn end(&self) -> u64 {
        self.last().map_or(0, |id| id.index + 1)
    }

    fn position(&self, index: u64) -> usize {
        let first = self.end() - self.entries.len() as u64;
        usize::try_from(index.saturating_sub(first))
            .map_or(self.entries.len(), |at| at.min(self.entries.len()))
    }

    fn append(&mut self, entries: &[Entry]) -> io::Result<()> {
        for entry in entries {
            // A follower without any entry may be sent a log that begins later only after a
            // snapshot, which purges up to there.
            if !self.entries.is_empty() && entry.log_id.index != self.end() {
                return Err(corrupt(format!(
                    "entry {} cannot follow entry {}",
                    entry.log_id.index,
                    self.end() - 1
                )));
            }
            self.bytes += entry_bytes(entry);
            self.entries.push_back(entry.clone());
        }
        Ok(())
    }

    fn truncate(&mut self, from: u64) {
        let at = self.position(from);
        let gone: u64 = self
            .entries
            .drain(at..)
            .map(|entry| entry_bytes(&entry))
            .sum();
        self.bytes -= gone;
    }

    fn purge(&mut self, upto: LogId) {
        let end = self.position(upto.index + 1);
        let gone: u64 = self
            .entries
            .drain(..end)
            .map(|entry| entry_bytes(&entry))
            .sum();
        self.bytes -= gone;
        self.purged = self.purged.max(Some(upto));
    }
}

impl RaftLogReader<Types> for Log {
    async fn try_get_log_entries<RB>(&mut self, range: RB) -> io::Result<Vec<Entry>>
    where
        RB: RangeBounds<u64> + Clone + Debug + OptionalSend,
    {
        let pages = self.lock();
        let start = match range.start_bound() {
            Bound::Included(&index) => index,
            Bound::Excluded(&index) => index + 1,
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(&index) => index + 1,
            Bound::Excluded(&index) => index,
            Bound::Unbounded => pages.end(),
        };
        let (start, end) = (pages.position(start), pages.position(end));
        Ok(pages
            .entries
            .range(start..end.max(start))
            .cloned()
            .collect())
    }

    async fn limited_get_log_entries(&mut self, start: u64, end: u64) -> io::Result<Vec<Entry>> {
        let pages = self.lock();
        let (start, end) = (pages.position(start), pages.position(end));
        let mut bytes = 0;
        let fitting = pages
            .entries
            .range(start..end.max(start))
            .take_while(|entry| {
                let first = bytes == 0;
                bytes += entry_bytes(entry);
                first || bytes <= MESSAGE_BYTES
            });
        Ok(fitting.cloned().collect())
    }

    async fn read_vote(&mut self) -> io::Result<Option<Vote>> {
        Ok(self.vote())
    }
}

/// The log store: the log in memory and the way to the writer thread.
pub(crate) struct LogStore {
    log: Log,
    writer: Writer,
}

impl LogStore {
    pub(crate) fn new(log: Log, writer: Writer) -> Self {
        Self { log, writer }
    }
}

impl RaftLogStorage<Types> for LogStore {
    type LogReader = Log;

    async fn get_log_state(&mut self) -> io::Result<LogState<Types>> {
        let pages = self.log.lock();
        Ok(LogState {
            last_purged_log_id: pages.purged,
            last_log_id: pages.last(),
        })
    }

    async fn get_log_reader(&mut self) -> Log {
        self.log.clone()
    }

    async fn save_vote(&mut self, vote: &Vote) -> io::Result<()> {
        self.log.lock().vote = Some(*vote);
        self.writer.write_durably(Change::Vote(*vote)).await
    }

    async fn save_committed(&mut self, committed: Option<LogId>) -> io::Result<()> {
        self.log.lock().committed = committed;
        let change = Change::Committed(committed);
        self.writer.write(change, Told::Nobody).await
    }

    async fn read_committed(&mut self) -> io::Result<Option<LogId>> {
        Ok(self.log.lock().committed)
    }

    async fn append<I>(&mut self, entries: I, flushed: IOFlushed<Types>) -> io::Result<()>
    where
        I: IntoIterator<Item = Entry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let entries: Vec<Entry> = entries.into_iter().collect();
        self.log.lock().append(&entries)?;
        let change = Change::Append(entries);
        self.writer.write(change, Told::Raft(flushed)).await
    }

    async fn truncate_after(&mut self, last: Option<LogId>) -> io::Result<()> {
        let from = last.map_or(0, |id| id.index + 1);
        self.log.lock().truncate(from);
        let change = Change::Truncate(from);
        self.writer.write(change, Told::Nobody).await
    }

    async fn purge(&mut self, upto: LogId) -> io::Result<()> {
        self.log.lock().purge(upto);
        let change = Change::Purge(upto);
        self.writer.write(change, Told::Nobody).await
    }
}
