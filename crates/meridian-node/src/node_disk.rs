//! The disk of a node with its faults injected.

use std::io;
use std::time::Duration;

use meridian_chaos::Condition;
use meridian_kms::RegionName;
use meridian_raft::{DiskFaults, NodeId};

use crate::active_faults::ActiveFaults;

/// A node's disk, as its faults have it.
pub struct NodeDisk {
    /// The region.
    pub region: RegionName,
    /// The node.
    pub node: NodeId,
    /// What is wrong.
    pub faults: ActiveFaults,
}

impl NodeDisk {
    fn condition(&self) -> Condition {
        self.faults.condition(self.region.as_str(), self.node)
    }
}

impl DiskFaults for NodeDisk {
    fn before_write(&self) -> io::Result<()> {
        match self.condition().disk_full {
            true => Err(io::ErrorKind::StorageFull.into()),
            false => Ok(()),
        }
    }

    fn before_sync(&self) -> io::Result<()> {
        let condition = self.condition();
        if condition.flush_fails {
            return Err(io::Error::other("a fault has the flush fail"));
        }
        // The log's writer has a thread to itself.
        std::thread::sleep(Duration::from_millis(condition.disk_delay_ms));
        Ok(())
    }
}
