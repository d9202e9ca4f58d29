//! Batch: what many runs came to.

use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};

use crate::coverage::Coverage;
use crate::run::Report;
use meridian_judge::{Count, Timings};

/// The sum of many runs.
#[derive(Default)]
pub struct Batch {
    /// How many.
    pub runs: u64,
    /// Virtual time that passed in all of them, in milliseconds.
    pub virtual_ms: i64,
    /// How often each promise was looked at.
    pub looked: Count,
    /// How long things took.
    pub timings: Timings,
    /// Promises that were broken.
    pub broken: BTreeSet<&'static str>,
    /// What they went through.
    pub coverage: Coverage,
    digests: Sha256,
}

impl Batch {
    /// One more run.
    pub fn add(&mut self, report: &Report) {
        self.runs += 1;
        self.virtual_ms += report.virtual_ms;
        for (promise, times) in &report.verdict.looked {
            *self.looked.entry(promise).or_default() += times;
        }
        if let Some(violation) = &report.verdict.violation {
            self.looked.entry(violation.promise).or_default();
            self.broken.insert(violation.promise);
        }
        self.timings.add(&report.verdict.timings);
        self.coverage.add(&report.coverage);
        self.digests.update(report.digest.as_bytes());
    }

    /// The digest of all digests, in hexadecimal.
    pub fn digest(&self) -> String {
        hex::encode(self.digests.clone().finalize())
    }

    /// Promises that no run gave an occasion to look at.
    pub fn never_looked(&self) -> Vec<&'static str> {
        let never = self.looked.iter().filter(|(_, times)| **times == 0);
        never.map(|(promise, _)| *promise).collect()
    }
}
