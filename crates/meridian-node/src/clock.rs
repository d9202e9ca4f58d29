//! The clock of a node: the machine's, moved forward by what the region has
//! agreed on. The offset is part of the replicated region, so that time that
//! was travelled stays travelled after a restart.

use std::time::{SystemTime, UNIX_EPOCH};

use meridian_kms::{Region, Timestamp};

/// The machine's own time, in milliseconds since the epoch.
pub fn machine_now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}

/// The time in a region.
pub fn now(region: &Region) -> Timestamp {
    Timestamp(machine_now_ms()).plus_ms(region.clock_offset_ms())
}
