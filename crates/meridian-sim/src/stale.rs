//! Reads from older views: what a fault lets a node answer from.

use meridian_chaos::Kind;
use meridian_kms::Region;

use crate::world::{Chance, World};

impl World {
    /// The older view that a fault has a read at this node answered from, at
    /// the node's own time; nothing while reads see the newest.
    pub(crate) fn older_view(&mut self, region: usize, node: usize) -> Option<Region> {
        let mut chance = Chance {
            dice: &mut self.dice,
            coverage: &mut self.coverage,
        };
        let name = self.names[region].as_str();
        let id = node as u64 + 1;
        let lag_ms = self
            .faults
            .read_lag_ms(name, id, self.now_ms, &mut chance)?;
        let lag_ms = i64::try_from(lag_ms).unwrap_or(i64::MAX);
        let at_ms = self
            .now_ms
            .saturating_sub(lag_ms)
            .max(self.lags_since_ms(region));
        let group = &self.groups[region];
        let agreed = group.agreed_at_ms.partition_point(|it| *it <= at_ms);
        let length = agreed.saturating_sub(1).min(group.nodes[node].applied);
        let mut view = group.states[length].clone();
        let now = group.clock(node, self.now_ms);
        if view.is_due(now) {
            view.advance_to(now);
        }
        Some(view)
    }

    /// When the first fault began that has reads of this region lag: nothing
    /// older was kept.
    fn lags_since_ms(&self, region: usize) -> i64 {
        let name = self.names[region].as_str();
        let began = self.timeline.iter().filter_map(|(began_ms, fault)| {
            let here = matches!(&fault.kind, Kind::StaleReads { region, .. } if region == name);
            let active = !fault.has_ended(self.now_ms);
            (here && active).then_some(*began_ms)
        });
        began.min().unwrap_or(self.now_ms)
    }
}
