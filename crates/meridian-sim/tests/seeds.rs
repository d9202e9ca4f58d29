//! Many seeds: no promise is broken, and every promise has its occasions.

use meridian_sim::{Batch, Plan, run};

const SEEDS: std::ops::Range<u64> = 0..1_000;

#[test]
fn no_seed_breaks_a_promise_and_every_promise_is_looked_at() {
    let mut batch = Batch::default();
    for seed in SEEDS {
        let report = run(&Plan::new(seed));
        if let Some(violation) = &report.verdict.violation {
            panic!("{violation:?}\nreplay: meridian simulate --seed {seed}");
        }
        batch.add(&report);
    }
    assert_eq!(batch.never_looked(), [""; 0], "in {} seeds", batch.runs);
    let idle = batch
        .coverage
        .faults()
        .filter(|(_, _, struck)| *struck == 0);
    let idle: Vec<_> = idle.map(|(name, ..)| name).collect();
    assert_eq!(idle, [""; 0], "faults that struck nothing");
}

#[test]
fn a_trace_tells_the_same_run_in_words() {
    let silent = run(&Plan::new(3));
    let told = run(&Plan {
        trace: true,
        ..Plan::new(3)
    });
    assert_eq!(silent.digest, told.digest);
    assert_eq!(told.trace.len() as u64, told.events);
    assert!(silent.trace.is_empty());
}

#[test]
fn other_seeds_are_other_runs() {
    assert_ne!(run(&Plan::new(1)).digest, run(&Plan::new(2)).digest);
}
