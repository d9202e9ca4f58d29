//! What the judge says.

use std::collections::BTreeMap;

use serde::Serialize;

/// A promise that was broken, and by what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// The promise.
    pub promise: &'static str,
    /// What happened, in words.
    pub what: String,
    /// When, in milliseconds since the history began.
    pub at_ms: i64,
}

/// How often each promise was looked at with something at stake. Zero is not a
/// pass.
pub type Count = BTreeMap<&'static str, u64>;

/// Everything that a promise needs to say.
pub(crate) struct Bench<'a> {
    pub(crate) looked: &'a mut Count,
    pub(crate) regions: &'a [meridian_kms::RegionName],
}

impl Bench<'_> {
    /// A promise was looked at.
    pub(crate) fn looked(&mut self, promise: &'static str) {
        *self.looked.entry(promise).or_default() += 1;
    }

    /// The name of a region.
    pub(crate) fn name(&self, region: usize) -> &meridian_kms::RegionName {
        &self.regions[region]
    }

    /// The place of a region.
    pub(crate) fn place(&self, name: &meridian_kms::RegionName) -> Option<usize> {
        self.regions.iter().position(|it| it == name)
    }
}

/// Whether a promise was kept; if not, what broke it.
pub(crate) type Kept = Result<(), String>;

/// One promise.
pub(crate) trait Promise {
    /// Its number and name.
    fn name(&self) -> &'static str;

    /// Looks at one more thing; `last` is how the same key was seen in the same
    /// region before.
    fn see(
        &mut self,
        seen: &crate::history::Seen,
        last: Option<&crate::sighting::Sighting>,
        bench: &mut Bench<'_>,
    ) -> Kept;
}
