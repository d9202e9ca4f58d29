//! The clock of a node: the machine's, moved forward by what the region has
//! agreed on, and wrong by what faults make of it. The agreed offset is part of
//! the replicated region, so that time that was travelled stays travelled after
//! a restart.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

pub use meridian_api::machine_now_ms;
use meridian_kms::{Region, RegionName, Timestamp};
use meridian_raft::NodeId;

use crate::active_faults::ActiveFaults;

/// One node's clock.
#[derive(Clone)]
pub struct Clock {
    region: RegionName,
    node: NodeId,
    faults: ActiveFaults,
    /// Where a frozen clock stands; zero while it goes.
    frozen_at_ms: Arc<AtomicI64>,
}

impl Clock {
    /// The clock of a node that obeys these faults.
    pub fn new(region: RegionName, node: NodeId, faults: ActiveFaults) -> Clock {
        Clock {
            region,
            node,
            faults,
            frozen_at_ms: Arc::default(),
        }
    }

    /// The time in the node's region, as this node believes.
    pub fn now(&self, region: &Region) -> Timestamp {
        Timestamp(self.own_ms()).plus_ms(region.clock_offset_ms())
    }

    fn own_ms(&self) -> i64 {
        let now = machine_now_ms();
        let condition = self.faults.condition(self.region.as_str(), self.node);
        if !condition.clock_frozen {
            if self.frozen_at_ms.load(Ordering::Relaxed) != 0 {
                self.frozen_at_ms.store(0, Ordering::Relaxed);
            }
            return now.saturating_add(condition.clock_skew_ms);
        }
        let frozen = &self.frozen_at_ms;
        let first = frozen.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
        let stands_at = first.map_or_else(|already| already, |_| now);
        stands_at.saturating_add(condition.clock_skew_ms)
    }
}

#[cfg(test)]
mod tests {
    use meridian_chaos::{Fault, Faults, Kind, Place};

    use super::*;

    #[test]
    fn a_clock_is_skewed_or_stands_still_while_its_fault_lasts() {
        let faults = ActiveFaults::default();
        let name: RegionName = "us-east-1".parse().unwrap();
        let clock = Clock::new(name.clone(), 2, faults.clone());
        let region = Region::new(name);
        let place = |node| Place {
            region: "us-east-1".into(),
            node,
        };
        let add = |id: &str, kind| {
            let id = id.to_owned();
            let ends_at_ms = None;
            faults.change(|set| {
                set.add(Fault {
                    id,
                    kind,
                    ends_at_ms,
                })
            });
        };
        let before = clock.now(&region);
        let skew_ms = -3_600_000;
        let node = place(1);
        add("other", Kind::ClockSkew { node, skew_ms });
        assert!(clock.now(&region) >= before);
        let node = place(2);
        add("own", Kind::ClockSkew { node, skew_ms });
        assert!(clock.now(&region) < before);
        add("ice", Kind::ClockFreeze { node: place(2) });
        let frozen = clock.now(&region);
        while machine_now_ms() <= frozen.0 - skew_ms {
            std::hint::spin_loop();
        }
        assert_eq!(clock.now(&region), frozen);
        faults.change(Faults::clear);
        assert!(clock.now(&region) > before);
    }
}
