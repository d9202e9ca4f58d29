//! Faults in a history: when each begins and ends, and where it is wrong.

use std::collections::BTreeMap;
use std::sync::Arc;

use meridian_chaos::{Fault, Faults, Kind, Place};
use meridian_judge::history::{Seen, Site};
use meridian_kms::RegionName;

use crate::active_faults::ActiveFaults;
use crate::clock::machine_now_ms;
use crate::recorder::Recorder;

/// Writes down faults as they begin and end, until it is dropped.
pub async fn follow(recorder: Arc<Recorder>, faults: ActiveFaults) {
    let mut written = BTreeMap::new();
    loop {
        faults.until(|set, now| active(set, now) != written).await;
        let now = active(&faults.current(), machine_now_ms());
        recorder.write_faults(&written, &now, &faults);
        written = now;
    }
}

fn active(faults: &Faults, now_ms: i64) -> BTreeMap<String, Fault> {
    let named = |fault: &Fault| (fault.id.clone(), fault.clone());
    faults.iter(now_ms).map(named).collect()
}

impl Recorder {
    fn write_faults(
        &self,
        before: &BTreeMap<String, Fault>,
        after: &BTreeMap<String, Fault>,
        counted: &ActiveFaults,
    ) {
        let mut state = self.state();
        let at_ms = state.journal.now_ms();
        for (id, fault) in before {
            if after.get(id) != Some(fault) {
                let by_being_there = u64::from(self.writes_of(fault.kind.node()));
                let struck = counted.take_strikes(id) + by_being_there;
                let id = id.clone();
                let ended = Seen::FaultEnded { at_ms, id, struck };
                state.journal.write(&ended);
            }
        }
        for (id, fault) in after {
            if before.get(id) != Some(fault) {
                state.journal.write(&Seen::FaultBegan {
                    at_ms,
                    id: id.clone(),
                    kind: fault.kind.name().to_owned(),
                    site: site(&fault.kind, &self.regions),
                    fault: fault.kind.details(),
                });
            }
        }
    }

    /// Is this a node whose doings it writes down?
    fn writes_of(&self, node: Option<&Place>) -> bool {
        node.is_some_and(|node| match &self.only {
            Some((region, number)) => node.region == region.as_str() && node.node == *number,
            None => true,
        })
    }
}

fn site(kind: &Kind, regions: &[RegionName]) -> Site {
    let place = |name: &str| regions.iter().position(|it| it.as_str() == name);
    if let Some(region) = kind.region() {
        return place(region).map_or(Site::Everywhere, Site::Region);
    }
    let ends = kind.link().map(|it| (place(&it.from), place(&it.to)));
    match ends {
        Some((Some(from), Some(to))) => Site::Link(from, to),
        _ => Site::Everywhere,
    }
}
