//! Which region value a read is answered from: the newest applied one, moved
//! to this node's clock if something fell due since. Expiry is exact at use,
//! and there is still only one expiry rule. Under a fault, an older one.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use meridian_chaos::{Property, Staleness};
use meridian_kms::Region;
use meridian_kms::older_view::OlderPart;
use tokio::sync::watch;

use crate::clock::{Clock, machine_now_ms};

/// Reads of one node.
#[derive(Clone)]
pub struct View {
    published: watch::Receiver<Arc<Region>>,
    clock: Clock,
    /// Oldest first; empty unless reads are to be answered from older views.
    older: Arc<Mutex<VecDeque<Seen>>>,
}

/// A value that is kept.
struct Seen {
    /// When it was seen, by the machine's clock, in milliseconds.
    at_ms: i64,
    /// All entries up to this place in the log are in it.
    index: u64,
    region: Arc<Region>,
}

impl View {
    /// Reads what a machine publishes.
    pub fn new(published: watch::Receiver<Arc<Region>>, clock: Clock) -> View {
        View {
            published,
            clock,
            older: Arc::default(),
        }
    }

    /// This node's clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The newest applied value, at this node's time.
    pub fn newest(&self) -> Arc<Region> {
        self.at_this_time(self.applied())
    }

    /// The value of so many milliseconds ago, or the oldest that is kept; the
    /// newest if none is.
    pub fn of_ms_ago(&self, lag_ms: u64) -> Arc<Region> {
        match seen_ms_ago(&self.older(), lag_ms) {
            Some(seen) => self.at_this_time(seen.region.clone()),
            None => self.newest(),
        }
    }

    /// How far the log goes in the value of so many milliseconds ago, at least;
    /// nothing if that is the newest.
    pub fn index_of_ms_ago(&self, lag_ms: u64) -> Option<u64> {
        seen_ms_ago(&self.older(), lag_ms).map(|seen| seen.index)
    }

    /// The view that a read sees which is as old as this.
    pub fn as_old_as(&self, staleness: &Staleness) -> Arc<Region> {
        let mut view = match staleness.whole_ms {
            // A grant is there for who shows its token, however old the rest is.
            Some(lag_ms) => {
                let older = self.of_ms_ago(lag_ms);
                Arc::new(older.with_older(&self.newest(), OlderPart::Grants))
            }
            None => self.newest(),
        };
        for (property, lag_ms) in staleness.parts() {
            let older = self.of_ms_ago(lag_ms);
            view = Arc::new(view.with_older(&older, part(property)));
        }
        view
    }

    /// The value whose grants are in force without their tokens, if a read sees
    /// them as old as this.
    pub fn spread_grants(&self, staleness: &Staleness) -> Option<Arc<Region>> {
        staleness
            .of_grants_ms()
            .map(|lag_ms| self.of_ms_ago(lag_ms))
    }

    /// Keeps the newest value, and older ones as long as reads may ask for
    /// them; none at all without a lag. `index` is how far the log was applied
    /// before.
    pub fn keep(&self, lag_ms: Option<u64>, index: u64) {
        let mut older = self.older();
        let Some(lag_ms) = lag_ms else {
            older.clear();
            return;
        };
        older.push_back(Seen {
            at_ms: machine_now_ms(),
            index,
            region: self.applied(),
        });
        let at = before(lag_ms);
        // The first one is the answer while the second is too young.
        while older.get(1).is_some_and(|seen| seen.at_ms <= at) {
            older.pop_front();
        }
    }

    /// The value as applied, without the node's clock.
    pub fn applied(&self) -> Arc<Region> {
        self.published.borrow().clone()
    }

    /// Follows every applied value.
    pub fn follow(&self) -> watch::Receiver<Arc<Region>> {
        self.published.clone()
    }

    fn at_this_time(&self, region: Arc<Region>) -> Arc<Region> {
        let now = self.clock.now(&region);
        if !region.is_due(now) {
            return region;
        }
        let mut advanced = Region::clone(&region);
        advanced.advance_to(now);
        Arc::new(advanced)
    }

    fn older(&self) -> MutexGuard<'_, VecDeque<Seen>> {
        self.older.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The value of so many milliseconds ago, or the oldest.
fn seen_ms_ago(older: &VecDeque<Seen>, lag_ms: u64) -> Option<&Seen> {
    let at = before(lag_ms);
    let seen = older.iter().rev().find(|seen| seen.at_ms <= at);
    seen.or(older.front())
}

fn part(property: Property) -> OlderPart {
    match property {
        Property::KeyState => OlderPart::KeyState,
        Property::Alias => OlderPart::Alias,
        Property::Tag => OlderPart::Tag,
        Property::Policy => OlderPart::Policy,
        Property::SharedProperties => OlderPart::SharedProperties,
        Property::Materials => OlderPart::Materials,
        Property::Grants => OlderPart::Grants,
    }
}

fn before(lag_ms: u64) -> i64 {
    machine_now_ms().saturating_sub(i64::try_from(lag_ms).unwrap_or(i64::MAX))
}
