//! Bugs planted on purpose: each must break the promise that is watched over for its sake, within
//! a fixed number of seeds.

use super::run::{Bug, run};

/// Seeds in which every planted bug must be found.
const SEEDS: u64 = 20;

fn found(bug: Bug, promise: &str) {
    for seed in 0..SEEDS {
        let violation = run(seed, Some(bug), false).violation;
        // Another promise may break first.
        if let Some(violation) = violation.filter(|it| it.starts_with(promise)) {
            eprintln!("{bug:?}: found in {} seeds: {violation}", seed + 1);
            return;
        }
    }
    panic!("{SEEDS} seeds did not find {bug:?}");
}

#[test]
fn a_flush_that_lies_is_found() {
    found(Bug::LyingFlush, "acknowledged writes");
}

#[test]
fn a_read_that_does_not_confirm_leadership_is_found() {
    found(Bug::UnconfirmedRead, "linearizable");
}

#[test]
fn a_vote_that_is_not_kept_is_found() {
    found(Bug::ForgottenVote, "votes never go back");
}

#[test]
fn a_snapshot_that_skips_an_entry_is_found() {
    found(Bug::SkippingSnapshot, "one state per index");
}

#[test]
fn an_entry_applied_twice_after_a_restart_is_found() {
    found(Bug::AppliedTwice, "one state per index");
}
