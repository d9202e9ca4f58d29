//! Waiting for a condition.

use std::fmt::Debug;
use std::time::{Duration, Instant};

/// Pause between two looks.
const POLL: Duration = Duration::from_millis(25);

/// Looks until what it sees is accepted, and gives that.
///
/// # Panics
/// If that has not happened within the time; says what was seen last.
pub async fn eventually<T: Debug>(
    what: &str,
    within: Duration,
    mut look: impl AsyncFnMut() -> T,
    accept: impl Fn(&T) -> bool,
) -> T {
    let deadline = Instant::now() + within;
    loop {
        let seen = look().await;
        if accept(&seen) {
            return seen;
        }
        assert!(
            Instant::now() < deadline,
            "{what}: not within {within:?}; seen last: {seen:#?}"
        );
        tokio::time::sleep(POLL).await;
    }
}
