//! Where the log store keeps what must outlive the process, behind five calls.
//!
//! The log itself is read from memory (`log_store.rs`); an engine is read once, when a node
//! opens its store, and from then on only written, by one thread (`writer.rs`).

use std::io;

use crate::types::{Entry, LogId, Vote};

pub(crate) mod disk;
pub(crate) mod memory;
mod value;

/// One step of what the store remembers. Steps are written in the order they were made.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Change {
    /// Swear to a candidate or leader.
    Vote(Vote),
    /// Remember how far the log is known to be committed. A hint: an older one does no harm.
    Committed(Option<LogId>),
    /// Add entries, each one index after the last.
    Append(Vec<Entry>),
    /// Forget the entries from this index on.
    Truncate(u64),
    /// Forget the entries up to and including this one.
    Purge(LogId),
    /// Remember whether the node still lacks entries that it may once have acknowledged.
    CatchingUp(bool),
}

/// All a store remembers.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Stored {
    pub(crate) vote: Option<Vote>,
    pub(crate) committed: Option<LogId>,
    pub(crate) purged: Option<LogId>,
    pub(crate) catching_up: bool,
    /// In order of index, without a gap, all after `purged`.
    pub(crate) entries: Vec<Entry>,
}

impl Stored {
    /// Forgets a candidacy of `node_id` whose log is empty. Founding a group writes a vote and the
    /// first entry at once; without the entry the write was torn, so nobody was told of the vote,
    /// and with it alone openraft would take the group for founded.
    pub(crate) fn forget_unsent_vote(&mut self, node_id: u64) {
        let own = |vote: &Vote| !vote.committed && vote.leader_id.node_id == node_id;
        if self.entries.is_empty() && self.purged.is_none() && self.vote.as_ref().is_some_and(own) {
            self.vote = None;
        }
    }
}

/// A place to keep [`Stored`].
pub(crate) trait Engine: Send + 'static {
    /// Reads everything back.
    fn load(&mut self) -> io::Result<Stored>;

    /// Writes all the changes or none. They survive a power cut only after [`sync`](Engine::sync).
    fn write(&mut self, changes: &[Change]) -> io::Result<()>;

    /// Makes everything written durable.
    fn sync(&mut self) -> io::Result<()>;

    /// Frees some of the space of purged entries, a little at a time; `true` while there is more.
    fn tidy(&mut self) -> io::Result<bool>;

    /// Lets go of files and locks.
    fn close(self: Box<Self>) -> io::Result<()>;
}
