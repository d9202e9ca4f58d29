//! The tests that run seeds.

use std::collections::BTreeMap;
use std::ops::Range;
use std::process::Command;
use std::time::{Duration, Instant};

use super::run::{Report, run};

/// Seeds of the usual test: as many as take some seconds.
const SEEDS: Range<u64> = 0..12;
/// Seeds that have found something: two in which a member that had never been filled was needed to
/// elect a leader, for the others had begun to change the members without it; one in which a
/// leader stayed whose disk had failed to purge; and one in which a node that had lost its disk led
/// before it was filled again, and wrote over what was committed.
const FOUND: [u64; 4] = [10_280, 20_037, 100_007, 100_580];

fn seeds_wanted() -> Option<Range<u64>> {
    let text = std::env::var("MERIDIAN_SEEDS").ok()?;
    let (first, end) = text.split_once("..").expect("as in MERIDIAN_SEEDS=7..8");
    Some(first.parse().unwrap()..end.parse().unwrap())
}

/// Runs seeds until one breaks a promise.
fn run_all(seeds: impl IntoIterator<Item = u64>) -> BTreeMap<&'static str, u64> {
    let traced = std::env::var_os("MERIDIAN_TRACE").is_some();
    let began = Instant::now();
    let (mut virtual_time, mut total, mut count) = (Duration::ZERO, BTreeMap::new(), 0);
    for seed in seeds {
        let report = run(seed, None, traced);
        if let Some(violation) = &report.violation {
            fail(seed, violation, &report);
        }
        eprintln!(
            "seed {seed}: digest {} of {} events",
            report.digest, report.events
        );
        virtual_time += Duration::from_millis(report.virtual_ms);
        count += 1;
        for (what, times) in report.counts {
            *total.entry(what).or_default() += times;
        }
    }
    let real_s = began.elapsed().as_secs_f64();
    eprintln!(
        "{count} seeds in {real_s:.1} s: {:.1} a second, {:.0} virtual seconds a second",
        f64::from(count) / real_s,
        virtual_time.as_secs_f64() / real_s
    );
    eprintln!("{total:#?}");
    total
}

fn fail(seed: u64, violation: &str, report: &Report) -> ! {
    eprintln!("{}", report.last.join("\n"));
    let next = seed + 1;
    eprintln!(
        "replay: MERIDIAN_SEEDS={seed}..{next} MERIDIAN_TRACE=1 cargo test -p meridian-raft --lib simulation::seeds::no_order"
    );
    panic!("seed {seed}: {violation}");
}

#[test]
fn no_order_of_faults_breaks_a_promise() {
    if let Some(seeds) = seeds_wanted() {
        run_all(seeds);
        return;
    }
    let total = run_all(SEEDS.chain(FOUND));
    for what in [
        "a definite error has no effect",
        "a failed disk ends its node",
        "acknowledged writes",
        "calls failed",
        "calls unknown",
        "crash",
        "delay",
        "doubling",
        "durable on a majority",
        "failing sync",
        "flapping",
        "hold",
        "isolated node",
        "leadership transfer",
        "linearizable",
        "liveness",
        "loss",
        "lost disk",
        "membership change",
        "narrow",
        "one entry per index",
        "one state per index",
        "one-way cut",
        "partition",
        "pieces of snapshots sent",
        "pause",
        "power cut",
        "reads ok",
        "reads see what was written",
        "replaced node",
        "restored snapshots",
        "slow disk",
        "snapshot",
        "stop",
        "stragglers",
        "votes never go back",
        "writes ok",
    ] {
        assert!(
            total.contains_key(what),
            "a check without an occasion proves nothing: {what}"
        );
    }
}

/// The part of the next test that runs in a process of its own.
#[test]
fn one_seed_is_one_run() {
    const SEED: u64 = 3;
    const CHILD: &str = "MERIDIAN_SIMULATION_CHILD";
    let report = run(SEED, None, false);
    let digest = format!("digest {} of {} events", report.digest, report.events);
    if std::env::var_os(CHILD).is_some() {
        println!("{digest}");
        return;
    }
    let program = std::env::current_exe().unwrap();
    let again = Command::new(program)
        .args([
            "--exact",
            "--nocapture",
            "simulation::seeds::one_seed_is_one_run",
        ])
        .env(CHILD, "1")
        .output()
        .unwrap();
    let printed = String::from_utf8(again.stdout).unwrap();
    assert!(printed.contains(&digest), "{digest}, but again: {printed}");
}
