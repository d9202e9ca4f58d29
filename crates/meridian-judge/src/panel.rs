//! The panel: all promises together over one history.

use std::collections::BTreeMap;
use std::sync::Arc;

use meridian_kms::replication::fact::Fact;
use meridian_kms::{KeyRef, Region, RegionName};

use crate::acknowledged::Acknowledged;
use crate::ambiguous_replica::AmbiguousReplica;
use crate::bounded_time::BoundedTime;
use crate::bytes_stay_home::BytesStayHome;
use crate::causes::Causes;
use crate::consistency::Consistency;
use crate::convergence::Convergence;
use crate::decryptable::Decryptable;
use crate::disturbances::Disturbances;
use crate::freshness::Freshness;
use crate::history::Seen;
use crate::import_before_rotate::ImportBeforeRotate;
use crate::independence::Independence;
use crate::key_states::KeyStates;
use crate::materials::Materials;
use crate::mixed_window::MixedWindow;
use crate::never_backwards::NeverBackwards;
use crate::one_id::OneId;
use crate::one_primary::OnePrimary;
use crate::sessions::Sessions;
use crate::sighting::Sighting;
use crate::verdict::{Bench, Objection, Promise, Timings, Verdict, Violation};

/// What a driver objects to by itself: nodes of one region that came to
/// different states from the same log.
pub const ONE_STATE_PER_INDEX: &str = "one state per index";

/// Judges one history while it is made.
pub struct Judge {
    regions: Vec<RegionName>,
    promises: Vec<Box<dyn Promise>>,
    last: BTreeMap<(usize, KeyRef), Arc<Sighting>>,
    disturbances: Disturbances,
    verdict: Verdict,
    /// The regions that the violation is about, as far as it says.
    violated: Vec<usize>,
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
            Box::new(MixedWindow::default()),
            Box::new(BoundedTime::default()),
            Box::new(AmbiguousReplica::default()),
            Box::new(Convergence::default()),
            Box::new(Independence::default()),
            Box::new(Materials::default()),
            Box::new(OneId::default()),
            Box::new(KeyStates),
            Box::new(Sessions::default()),
            Box::new(Freshness::default()),
            Box::new(Consistency::default()),
        ];
        // A promise that was never looked at is not kept: it shows as zero.
        let looked = promises.iter().map(|it| (it.name(), 0)).collect();
        Judge {
            regions,
            promises,
            last: BTreeMap::new(),
            disturbances: Disturbances::default(),
            verdict: Verdict {
                violation: None,
                looked,
                timings: Timings::default(),
            },
            violated: Vec::new(),
            now_ms: 0,
            kept: None,
        }
    }

    /// The names of all promises.
    pub fn promises() -> Vec<&'static str> {
        let mut names: Vec<&str> = Judge::new(Vec::new()).verdict.looked.into_keys().collect();
        names.push(ONE_STATE_PER_INDEX);
        names
    }

    /// Looks at these promises only.
    pub fn look_only_at(&mut self, names: &[String]) {
        let wanted = |name: &str| names.iter().any(|it| it == name);
        self.promises.retain(|it| wanted(it.name()));
        self.verdict.looked.retain(|name, _| wanted(name));
    }

    /// Keeps the history.
    pub fn keep_history(&mut self) {
        self.kept = Some(Vec::new());
    }

    /// Has a promise been broken?
    pub fn has_objected(&self) -> bool {
        self.verdict.violation.is_some()
    }

    /// The first broken promise so far.
    pub fn violation(&self) -> Option<&Violation> {
        self.verdict.violation.as_ref()
    }

    /// What there is to say, and the history, if it was kept.
    pub fn close(mut self) -> (Verdict, Vec<Seen>) {
        let seen = self.kept.take().unwrap_or_default();
        (self.verdict, seen)
    }

    /// One more thing is seen.
    pub fn see(&mut self, seen: &Seen) {
        self.now_ms = seen.at_ms().unwrap_or(self.now_ms);
        if let Some(kept) = &mut self.kept {
            kept.push(seen.clone());
        }
        self.disturbances.see(seen);
        let last = match seen {
            Seen::Saw { region, key, .. } => self.last.get(&(*region, key.key)).cloned(),
            Seen::Gone { region, key, .. } => self.last.get(&(*region, *key)).cloned(),
            _ => None,
        };
        let mut bench = Bench {
            looked: &mut self.verdict.looked,
            timings: &mut self.verdict.timings,
            regions: &self.regions,
            disturbances: &self.disturbances,
            now_ms: self.now_ms,
        };
        let mut broken = None;
        for promise in &mut self.promises {
            if let Err(objection) = promise.see(seen, last.as_deref(), &mut bench) {
                broken = Some((promise.name(), objection));
                break;
            }
        }
        if let Some((promise, objection)) = broken {
            return self.broken(promise, objection);
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
        let mut objection = Objection::from(what);
        objection.regions.extend(0..self.regions.len());
        self.broken(promise, objection);
    }

    fn broken(&mut self, promise: &'static str, objection: Objection) {
        if self.has_objected() {
            return;
        }
        self.verdict.violation = Some(Violation {
            promise,
            what: objection.what,
            at_ms: self.now_ms,
            key: objection.key,
            causes: Vec::new(),
        });
        self.violated = objection.regions;
        if let Some(kept) = self.kept.take() {
            self.find_causes(&kept);
            self.kept = Some(kept);
        }
    }

    /// Finds what led to the violation in everything that was seen until then.
    pub(crate) fn find_causes(&mut self, past: &[Seen]) {
        if let Some(violation) = &mut self.verdict.violation {
            let causes = Causes::new(&self.regions, past);
            (violation.key, violation.causes) = causes.of_last(violation.key, &self.violated);
        }
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
