//! What may be wrong with a node's disk on purpose: asked before each step of the
//! log's writer, by its own thread.

use std::fmt;
use std::io;

use crate::engine::{Change, Engine, Stored};

/// Decides what becomes of a step. May block for a while: a disk that is slow.
pub trait DiskFaults: Send + Sync {
    /// Before something is written.
    ///
    /// # Errors
    /// The disk's, such as that it is full: the node ends.
    fn before_write(&self) -> io::Result<()>;

    /// Before what was written is made durable.
    ///
    /// # Errors
    /// The disk's: the node ends.
    fn before_sync(&self) -> io::Result<()>;
}

impl fmt::Debug for dyn DiskFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DiskFaults")
    }
}

/// An engine on a disk that has faults.
pub(crate) struct FaultyEngine {
    pub(crate) engine: Box<dyn Engine>,
    pub(crate) faults: std::sync::Arc<dyn DiskFaults>,
}

impl Engine for FaultyEngine {
    fn load(&mut self) -> io::Result<Stored> {
        self.engine.load()
    }

    fn write(&mut self, changes: &[Change]) -> io::Result<()> {
        self.faults.before_write()?;
        self.engine.write(changes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.faults.before_sync()?;
        self.engine.sync()
    }

    fn tidy(&mut self) -> io::Result<bool> {
        self.engine.tidy()
    }

    fn close(self: Box<Self>) -> io::Result<()> {
        self.engine.close()
    }
}
