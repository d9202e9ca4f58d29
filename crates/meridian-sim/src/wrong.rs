//! What is wrong in a world: faults begin and end here, and the judge is told.

use meridian_chaos::{Fault, Kind};
use meridian_judge::history::{Seen, Site};

use crate::world::World;

impl World {
    /// Something begins to be wrong. What happens once has happened by then.
    pub(crate) fn begin_fault(&mut self, fault: Fault) {
        let at_once = matches!(
            fault.kind,
            Kind::LeaderChange { .. } | Kind::TimeTravel { .. }
        );
        self.judge.see(&Seen::FaultBegan {
            at_ms: self.now_ms,
            id: fault.id.clone(),
            kind: fault.kind.name().to_owned(),
            site: self.site(&fault.kind),
            fault: fault.kind.details(),
        });
        if at_once {
            self.coverage.struck_by(&fault);
            return self.tell_of_end(&fault.id);
        }
        self.faults.add(fault);
        self.settle_conditions();
    }

    /// It is wrong no more; false when it was not.
    pub(crate) fn end_fault(&mut self, id: &str) -> bool {
        if !self.faults.remove(id) {
            return false;
        }
        self.tell_of_end(id);
        self.settle_conditions();
        self.release();
        self.feed_all();
        true
    }

    /// Nothing is wrong any more.
    pub(crate) fn end_all_faults(&mut self) {
        let left: Vec<String> = self.faults.iter(i64::MIN).map(|it| it.id.clone()).collect();
        self.faults.clear();
        for id in left {
            self.tell_of_end(&id);
        }
        self.settle_conditions();
        self.release();
        self.feed_all();
    }

    fn tell_of_end(&mut self, id: &str) {
        let struck = self.coverage.strikes.get(id).copied();
        self.judge.see(&Seen::FaultEnded {
            at_ms: self.now_ms,
            id: id.to_owned(),
            struck: struck.unwrap_or_default(),
        });
    }

    fn site(&self, kind: &Kind) -> Site {
        let place = |name: &str| self.names.iter().position(|it| it.as_str() == name);
        if let Some(link) = kind.link() {
            let ends = place(&link.from).zip(place(&link.to));
            return ends.map_or(Site::Everywhere, |(from, to)| Site::Link(from, to));
        }
        let region = kind.region().and_then(place);
        region.map_or(Site::Everywhere, Site::Region)
    }
}
