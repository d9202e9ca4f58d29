//! The same for programs: one JSON document.

use serde_json::{Value, json as document};

use crate::faults::faults;
use crate::run::{Outcome, Run};
use crate::unknown::unknown;

/// A run as one JSON document.
pub fn json(run: &Run<'_>) -> Value {
    let promise = |(name, times, outcome): (&str, u64, Outcome)| {
        let verdict = match outcome {
            Outcome::Kept => "kept",
            Outcome::Broken => "broken",
            Outcome::NeverLooked => "never looked at",
        };
        document!({"promise": name, "looked": times, "verdict": verdict})
    };
    let promises: Vec<Value> = run.promises().into_iter().map(promise).collect();
    document!({
        "name": run.name,
        "replay": run.replay,
        "digest": run.digest,
        "kept": run.verdict.violation.is_none(),
        "regions": run.history.regions,
        "length_ms": run.end_ms(),
        "seen": run.history.seen.len(),
        "promises": promises,
        "timings": run.verdict.timings,
        "violation": run.verdict.violation,
        "faults": faults(run),
        "unknown": unknown(run),
    })
}
