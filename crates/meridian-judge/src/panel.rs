//! The panel: all promises together over one history.

use std::collections::BTreeMap;
use std::sync::Arc;

use meridian_kms::replication::fact::Fact;
use meridian_kms::{KeyRef, Region, RegionName};

use crate::acknowledged::Acknowledged;
use crate::bytes_stay_home::BytesStayHome;
use crate::consistency::Consistency;
use crate::convergence::Convergence;
use crate::decryptable::Decryptable;
use crate::history::Seen;
use crate::import_before_rotate::ImportBeforeRotate;
use crate::independence::Independence;
use crate::key_states::KeyStates;
use crate::materials::Materials;
use crate::never_backwards::NeverBackwards;
use crate::one_primary::OnePrimary;
use crate::sessions::Sessions;
use crate::sighting::Sighting;
use crate::verdict::{Bench, Count, Promise, Violation};

/// Judges one history while it is made.
pub struct Judge {
    regions: Vec<RegionName>,
    promises: Vec<Box<dyn Promise>>,
    last: BTreeMap<(usize, KeyRef), Arc<Sighting>>,
    looked: Count,
    violation: Option<Violation>,
    now_ms: i64,
    /// Everything that was seen, if somebody keeps it.
    kept: Option<Vec<Seen>>,
}

impl Judge {
    /// A judge of these regions.
    pub fn new(regions: Vec<RegionName>) -> Judge {
        let promises: Vec<Box<dyn Promise>> = vec![
            Box::new(OnePrimary::default()),
            Box::new(Acknowledged::default()),
            Box::new(NeverBackwards::default()),
            Box::new(ImportBeforeRotate::default()),
            Box::new(Decryptable::default()),
            Box::new(BytesStayHome::default()),
            Box::new(Convergence::default()),
            Box::new(Independence::default()),
            Box::new(Materials::default()),
            Box::new(KeyStates),
            Box::new(Sessions::default()),
            Box::new(Consistency::default()),
        ];
        // A promise that was never looked at is not kept: it shows as zero.
        let looked = promises.iter().map(|it| (it.name(), 0)).collect();
        Judge {
            regions,
            promises,
            last: BTreeMap::new(),
            looked,
            violation: None,
            now_ms: 0,
            kept: None,
        }
    }

    /// Keeps the history.
    pub fn keep_history(&mut self) {
        self.kept = Some(Vec::new());
    }

    /// The history, if it was kept.
    pub fn history(&mut self) -> Vec<Seen> {
        self.kept.take().unwrap_or_default()
    }

    /// Has a promise been broken?
    pub fn has_objected(&self) -> bool {
        self.violation.is_some()
    }

    /// The first broken promise so far.
    pub fn violation(&self) -> Option<&Violation> {
        self.violation.as_ref()
    }

    /// The first broken promise, and how often each was looked at.
    pub fn verdict(self) -> (Option<Violation>, Count) {
        (self.violation, self.looked)
    }

    /// One more thing is seen.
    pub fn see(&mut self, seen: &Seen) {
        self.now_ms = seen.at_ms().unwrap_or(self.now_ms);
        if let Some(kept) = &mut self.kept {
            kept.push(seen.clone());
        }
        let last = match seen {
            Seen::Saw { region, key, .. } => self.last.get(&(*region, key.key)).cloned(),
            Seen::Gone { region, key, .. } => self.last.get(&(*region, *key)).cloned(),
            _ => None,
        };
        let mut bench = Bench {
            looked: &mut self.looked,
            regions: &self.regions,
        };
        for promise in &mut self.promises {
            if let Err(what) = promise.see(seen, last.as_deref(), &mut bench) {
                self.violation.get_or_insert(Violation {
                    promise: promise.name(),
                    what,
                    at_ms: self.now_ms,
                });
                return;
            }
        }
        match seen {
            Seen::Saw { region, key, .. } => {
                self.last.insert((*region, key.key), key.clone());
            }
            Seen::Gone { region, key, .. } => {
                self.last.remove(&(*region, *key));
            }
            _ => {}
        }
    }

    /// Something is broken that no promise watches over.
    pub fn object(&mut self, promise: &'static str, what: String) {
        self.violation.get_or_insert(Violation {
            promise,
            what,
            at_ms: self.now_ms,
        });
    }

    /// Looks at every key that a commit has changed.
    pub fn observe(&mut self, now_ms: i64, region: usize, before: &Region, after: &Region) {
        for seen in Seen::of_commit(now_ms, region, before, after) {
            self.see(&seen);
        }
    }

    /// Looks at a fact that came from another region; `canary` says that bytes
    /// of an imported material are in it.
    pub fn told(&mut self, at_ms: i64, from: usize, to: usize, fact: &Fact, canary: bool) {
        self.see(&Seen::of_fact(at_ms, from, to, fact, canary));
    }

    /// A node starts again.
    pub fn restarted(&mut self, region: usize, node: usize) {
        self.see(&Seen::Restarted { region, node });
    }
}
