//! The clock of the machine, which no fault and no region moves.

use std::time::{SystemTime, UNIX_EPOCH};

/// The machine's own time, in milliseconds since the Unix epoch.
pub fn machine_now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}
