//! Points in time as the log carries them: whole milliseconds, never read from
//! a clock here.

use serde::{Deserialize, Serialize};

/// Milliseconds since the Unix epoch.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

/// Milliseconds in a day.
pub const DAY_MS: i64 = 24 * 60 * 60 * 1000;

impl Timestamp {
    /// This time moved by a number of days of 24 hours.
    pub fn plus_days(self, days: i64) -> Timestamp {
        Timestamp(self.0.saturating_add(days.saturating_mul(DAY_MS)))
    }

    /// This time moved by milliseconds.
    pub fn plus_ms(self, ms: i64) -> Timestamp {
        Timestamp(self.0.saturating_add(ms))
    }

    /// Cut down to whole seconds, as AWS keeps expiry dates.
    pub fn whole_seconds(self) -> Timestamp {
        Timestamp(self.0.div_euclid(1000) * 1000)
    }

    /// The wire form.
    pub fn to_proto(self) -> prost_types::Timestamp {
        prost_types::Timestamp {
            seconds: self.0.div_euclid(1000),
            nanos: (self.0.rem_euclid(1000) * 1_000_000) as i32,
        }
    }

    /// From the wire form; what is finer than a millisecond is dropped, and a
    /// value outside the range is the nearest end of it.
    pub fn from_proto(time: &prost_types::Timestamp) -> Timestamp {
        Timestamp(
            time.seconds
                .saturating_mul(1000)
                .saturating_add(i64::from(time.nanos / 1_000_000)),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_survives_the_wire_to_the_millisecond() {
        for ms in [0, 1, 1_609_193_147_831, -1, -1_000, -1_001] {
            assert_eq!(Timestamp::from_proto(&Timestamp(ms).to_proto()).0, ms);
        }
    }

    #[test]
    fn the_far_future_does_not_overflow() {
        let far = prost_types::Timestamp {
            seconds: i64::MAX,
            nanos: 0,
        };
        assert_eq!(Timestamp::from_proto(&far).plus_days(365).0, i64::MAX);
    }
}
