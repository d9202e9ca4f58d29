//! Durations: how long something took, every time that it happened.

use std::collections::BTreeMap;

use serde::ser::{Serialize, SerializeStruct, Serializer};

/// A spread of durations, in whole milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Durations {
    /// How often each length was met.
    times: BTreeMap<u64, u64>,
}

/// One bar of a histogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Bar {
    /// Durations below this, in milliseconds, and not below the last bar's.
    pub below_ms: u64,
    /// How many of them.
    pub count: u64,
}

impl Durations {
    /// It took so long once more; what ends before it began took no time.
    pub fn took(&mut self, ms: i64) {
        *self.times.entry(ms.max(0).unsigned_abs()).or_default() += 1;
    }

    /// Adds another spread.
    pub fn add(&mut self, other: &Durations) {
        for (ms, times) in &other.times {
            *self.times.entry(*ms).or_default() += times;
        }
    }

    /// How often it happened.
    pub fn count(&self) -> u64 {
        self.times.values().sum()
    }

    /// The shortest, in milliseconds.
    pub fn min_ms(&self) -> Option<u64> {
        self.times.keys().next().copied()
    }

    /// The longest, in milliseconds.
    pub fn max_ms(&self) -> Option<u64> {
        self.times.keys().next_back().copied()
    }

    /// The least length that at least so many of a hundred do not exceed, in
    /// milliseconds.
    pub fn percentile_ms(&self, percent: u64) -> Option<u64> {
        let rank = (self.count() * percent).div_ceil(100).max(1);
        let mut passed = 0;
        let mut lengths = self.times.iter();
        lengths
            .find(|(_, times)| {
                passed += **times;
                passed >= rank
            })
            .map(|(ms, _)| *ms)
    }

    /// Bars of doubling width, from the first to the last that is not empty.
    pub fn bars(&self) -> Vec<Bar> {
        let mut bars: Vec<Bar> = Vec::new();
        for (ms, times) in &self.times {
            let mut below_ms = bars.last().map_or(bound_ms(*ms), |bar| bar.below_ms);
            while *ms >= below_ms {
                below_ms *= 2;
                bars.push(Bar { below_ms, count: 0 });
            }
            match bars.last_mut() {
                Some(bar) => bar.count += times,
                None => bars.push(Bar {
                    below_ms,
                    count: *times,
                }),
            }
        }
        bars
    }
}

/// The bound of the bar that a duration is in.
fn bound_ms(ms: u64) -> u64 {
    (ms + 1).next_power_of_two()
}

impl Serialize for Durations {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut it = serializer.serialize_struct("Durations", 6)?;
        it.serialize_field("count", &self.count())?;
        it.serialize_field("min_ms", &self.min_ms())?;
        it.serialize_field("median_ms", &self.percentile_ms(50))?;
        it.serialize_field("p99_ms", &self.percentile_ms(99))?;
        it.serialize_field("max_ms", &self.max_ms())?;
        it.serialize_field("histogram", &self.bars())?;
        it.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(lengths: impl IntoIterator<Item = i64>) -> Durations {
        let mut durations = Durations::default();
        for ms in lengths {
            durations.took(ms);
        }
        durations
    }

    #[test]
    fn percentiles_are_lengths_that_were_met() {
        let hundred = of(1..=100);
        assert_eq!(hundred.percentile_ms(50), Some(50));
        assert_eq!(hundred.percentile_ms(99), Some(99));
        assert_eq!((hundred.min_ms(), hundred.max_ms()), (Some(1), Some(100)));
        assert_eq!(of([7]).percentile_ms(99), Some(7));
        assert_eq!(of([]).percentile_ms(50), None);
    }

    #[test]
    fn bars_hold_every_duration_once() {
        let bars = of([0, 1, 1, 3, 40]).bars();
        let counts: Vec<_> = bars.iter().map(|bar| (bar.below_ms, bar.count)).collect();
        let wanted = [(1, 1), (2, 2), (4, 1), (8, 0), (16, 0), (32, 0), (64, 1)];
        assert_eq!(counts, wanted);
    }

    #[test]
    fn sums_are_as_if_measured_together() {
        let mut sum = of([1, 5]);
        sum.add(&of([5, -3]));
        assert_eq!(sum, of([0, 1, 5, 5]));
    }
}
