//! The state machine a group drives, and its form without a type parameter.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;

use crate::types::Reply;

/// Serializes a captured state.
pub(crate) type Capture = Box<dyn FnOnce() -> Vec<u8> + Send>;

/// What the log drives. The group makes one call at a time, on an async worker: no method may
/// block on I/O.
pub trait Machine: Send + 'static {
    /// What applying one entry answers to its proposer.
    type Outcome: Send + Sync + 'static;

    /// Applies committed entries in order; each comes with its index in the log. Returns one
    /// outcome per entry, in the same order. A view for readers is to be published before
    /// returning: proposers are answered right after.
    fn apply(&mut self, entries: Vec<(u64, Bytes)>) -> Vec<Self::Outcome>;

    /// Captures the state, cheaply; the returned closure serializes it on a blocking thread
    /// while further entries are applied.
    fn snapshot(&self) -> Box<dyn FnOnce() -> Vec<u8> + Send>;

    /// Replaces the state by that of a snapshot, taken by this or another node.
    fn restore(&mut self, snapshot: &[u8]) -> Result<(), anyhow::Error>;
}

/// A [`Machine`] without its type parameter, so that openraft is compiled once, here.
pub(crate) trait AnyMachine: Send {
    /// Applies entries; the replies of those not `wanted` may be empty.
    fn apply(
        &mut self,
        entries: Vec<(u64, Bytes)>,
        wanted: &[bool],
    ) -> Result<Vec<Reply>, anyhow::Error>;

    /// See [`Machine::snapshot`].
    fn snapshot(&self) -> Capture;

    /// See [`Machine::restore`].
    fn restore(&mut self, snapshot: &[u8]) -> Result<(), anyhow::Error>;
}

impl<M: Machine> AnyMachine for M {
    fn apply(
        &mut self,
        entries: Vec<(u64, Bytes)>,
        wanted: &[bool],
    ) -> Result<Vec<Reply>, anyhow::Error> {
        let count = entries.len();
        // Without this the Raft core would never hear of a panic and wait for ever.
        let outcomes = catch_unwind(AssertUnwindSafe(|| Machine::apply(self, entries)))
            .map_err(|_| anyhow::anyhow!("the machine panicked"))?;
        anyhow::ensure!(
            outcomes.len() == count,
            "the machine gave {} outcomes for {count} entries",
            outcomes.len()
        );
        let replies = outcomes.into_iter().zip(wanted).map(|(outcome, wanted)| {
            Reply(wanted.then(|| Box::new(outcome) as Box<dyn std::any::Any + Send + Sync>))
        });
        Ok(replies.collect())
    }

    fn snapshot(&self) -> Capture {
        Machine::snapshot(self)
    }

    fn restore(&mut self, snapshot: &[u8]) -> Result<(), anyhow::Error> {
        Machine::restore(self, snapshot)
    }
}
