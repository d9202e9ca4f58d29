//! A run that has been judged.

use meridian_judge::{History, Verdict};

/// What a report is about.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// What was run, such as `seed 7`.
    pub name: &'a str,
    /// The command that runs it again, if there is one.
    pub replay: Option<&'a str>,
    /// The digest of its events, if it has one.
    pub digest: Option<&'a str>,
    /// What was seen.
    pub history: &'a History,
    /// What the judge says.
    pub verdict: &'a Verdict,
}

/// What the judge says of one promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Kept,
    Broken,
    NeverLooked,
}

impl Run<'_> {
    /// The name of a region by its place.
    pub(crate) fn region(&self, place: usize) -> &str {
        let name = self.history.regions.get(place);
        name.map_or("unknown", |name| name.as_str())
    }

    /// When the last thing was seen, in virtual milliseconds.
    pub(crate) fn end_ms(&self) -> i64 {
        let times = self.history.seen.iter().filter_map(|seen| seen.at_ms());
        times.max().unwrap_or_default()
    }

    /// Every promise, how often it was looked at, and whether it was kept.
    pub(crate) fn promises(&self) -> Vec<(&'static str, u64, Outcome)> {
        let broken = self.verdict.violation.as_ref().map(|it| it.promise);
        let mut promises = self.verdict.looked.clone();
        promises.extend(broken.map(|name| (name, promises.get(name).copied().unwrap_or(0))));
        let outcome = |name: &str, times: u64| match times {
            _ if broken == Some(name) => Outcome::Broken,
            0 => Outcome::NeverLooked,
            _ => Outcome::Kept,
        };
        promises
            .into_iter()
            .map(|(name, times)| (name, times, outcome(name, times)))
            .collect()
    }
}

/// A time of the run as people read it.
pub(crate) fn seconds(ms: i64) -> String {
    format!("{:.3} s", ms as f64 / 1000.0)
}
