//! What the judge says.

use std::collections::BTreeMap;

use meridian_kms::{KeyRef, RegionName};
use serde::Serialize;

use crate::causes::Cause;
use crate::disturbances::Disturbances;
use crate::durations::Durations;
use crate::history::Seen;
use crate::sighting::Sighting;

/// Everything that the judge has to say about one history.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The first broken promise.
    pub violation: Option<Violation>,
    /// How often each promise was looked at.
    pub looked: Count,
    /// How long things took.
    pub timings: Timings,
}

/// A promise that was broken, and by what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// The promise.
    pub promise: &'static str,
    /// What happened, in words.
    pub what: String,
    /// When, in milliseconds since the history began.
    pub at_ms: i64,
    /// The key that it is about, if it is about one.
    pub key: Option<KeyRef>,
    /// What led to it, in order, the first bad event last; empty unless the
    /// history is at hand.
    pub causes: Vec<Cause>,
}

/// How often each promise was looked at with something at stake. Zero is not a
/// pass.
pub type Count = BTreeMap<&'static str, u64>;

/// How long things took, as spreads over a whole history or many.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Timings {
    /// From the first region that encrypts under a new material to the last.
    pub mixed_window: Durations,
    /// The same from the first region to each other one, as `FIRST → OTHER`.
    pub mixed_window_by_pair: BTreeMap<String, Durations>,
    /// From a change at the author of a key set to the last member that has it.
    pub convergence: Durations,
    /// The same for what some member lacked when the last fault ended, from
    /// that end.
    pub convergence_after_healing: Durations,
}

impl Timings {
    /// Adds those of another history.
    pub fn add(&mut self, other: &Timings) {
        self.mixed_window.add(&other.mixed_window);
        for (pair, durations) in &other.mixed_window_by_pair {
            let sum = self.mixed_window_by_pair.entry(pair.clone()).or_default();
            sum.add(durations);
        }
        self.convergence.add(&other.convergence);
        self.convergence_after_healing
            .add(&other.convergence_after_healing);
    }
}

/// Everything that a promise needs to say.
pub(crate) struct Bench<'a> {
    pub(crate) looked: &'a mut Count,
    pub(crate) timings: &'a mut Timings,
    pub(crate) regions: &'a [RegionName],
    /// What is wrong where, as far as the history says.
    pub(crate) disturbances: &'a Disturbances,
    /// The time of what is seen, in virtual milliseconds.
    pub(crate) now_ms: i64,
}

impl Bench<'_> {
    /// A promise was looked at.
    pub(crate) fn looked(&mut self, promise: &'static str) {
        *self.looked.entry(promise).or_default() += 1;
    }

    /// The name of a region.
    pub(crate) fn name(&self, region: usize) -> &RegionName {
        &self.regions[region]
    }

    /// The place of a region.
    pub(crate) fn place(&self, name: &RegionName) -> Option<usize> {
        self.regions.iter().position(|it| it == name)
    }
}

/// What broke a promise.
#[derive(Debug)]
pub(crate) struct Objection {
    pub(crate) what: String,
    /// The key that it is about, where what was seen does not say so.
    pub(crate) key: Option<KeyRef>,
    /// The regions that it is about, where what was seen does not say so.
    pub(crate) regions: Vec<usize>,
}

impl Objection {
    /// The same, about a key in some regions.
    pub(crate) fn about(self, key: KeyRef, regions: impl IntoIterator<Item = usize>) -> Objection {
        Objection {
            key: Some(key),
            regions: regions.into_iter().collect(),
            ..self
        }
    }
}

impl From<String> for Objection {
    fn from(what: String) -> Objection {
        Objection {
            what,
            key: None,
            regions: Vec::new(),
        }
    }
}

/// Whether a promise was kept; if not, what broke it.
pub(crate) type Kept = Result<(), Objection>;

/// One promise.
pub(crate) trait Promise {
    /// Its number and name.
    fn name(&self) -> &'static str;

    /// Looks at one more thing; `last` is how the same key was seen in the same
    /// region before.
    fn see(&mut self, seen: &Seen, last: Option<&Sighting>, bench: &mut Bench<'_>) -> Kept;
}
