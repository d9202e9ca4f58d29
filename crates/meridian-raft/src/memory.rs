//! Where an ephemeral node keeps what it must remember while its process lives.

use std::fmt;
use std::sync::Arc;

use crate::engine::memory::MemoryDisk;
use crate::snapshot::SnapshotStore;

/// The pretended disk of an ephemeral node. Clones are the same disk: a node that
/// is stopped and started again on it has forgotten nothing.
#[derive(Clone)]
pub struct Memory {
    pub(crate) disk: MemoryDisk,
    pub(crate) snapshots: Arc<SnapshotStore>,
}

impl Default for Memory {
    fn default() -> Memory {
        Memory {
            disk: MemoryDisk::default(),
            snapshots: Arc::new(SnapshotStore::in_memory()),
        }
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memory")
    }
}
