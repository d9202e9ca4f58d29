//! What there is to see when a region commits, and when it tells another
//! region a fact.

use std::sync::Arc;

use meridian_kms::Region;
use meridian_kms::replication::fact::Fact;

use crate::history::Seen;
use crate::sighting::Sighting;

impl Seen {
    /// Every key that one committed entry has changed, then those that it has
    /// deleted for good.
    pub fn of_commit(at_ms: i64, region: usize, before: &Region, after: &Region) -> Vec<Seen> {
        let difference = after.difference(before);
        let saw = difference.changed.into_iter().map(|key| Seen::Saw {
            at_ms,
            region,
            key: Arc::new(Sighting::of(key, after.name())),
        });
        let gone = difference
            .gone
            .into_iter()
            .map(|key| Seen::Gone { at_ms, region, key });
        saw.chain(gone).collect()
    }

    /// A fact that came from another region; `canary` says that bytes of an
    /// imported material are known to be in it.
    pub fn of_fact(at_ms: i64, from: usize, to: usize, fact: &Fact, canary: bool) -> Seen {
        let sealed = match fact {
            Fact::Shared(fact) => fact.sealed.len(),
            Fact::Report(_) => 0,
        };
        Seen::Told {
            at_ms,
            from,
            to,
            key: fact.key(),
            sealed,
            canary,
        }
    }
}
