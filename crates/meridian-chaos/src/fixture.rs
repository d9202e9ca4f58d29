//! Sets of faults for tests.

use crate::{Fault, Faults, Kind};

/// These faults, numbered from 0, all of which end at the same time.
pub(crate) fn faults(kinds: impl IntoIterator<Item = Kind>, ends_at_ms: i64) -> Faults {
    let mut faults = Faults::default();
    for (number, kind) in kinds.into_iter().enumerate() {
        faults.add(Fault {
            id: number.to_string(),
            kind,
            ends_at_ms: Some(ends_at_ms),
        });
    }
    faults
}
