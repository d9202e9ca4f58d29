//! `meridian simulate --shrink`: what is left of a run that breaks a promise.

use std::path::Path;

use anyhow::Context;
use meridian_scenario::Numbers;
use meridian_scenario::scenario::{Drawn, Verdict};
use meridian_sim::Shrunk;
use serde_json::json;

use super::{SimulateArgs, refuse, replay};
use crate::console::{Console, good};

/// Shrinks the run of one seed.
pub(super) fn run(args: &SimulateArgs, console: Console, seed: u64) -> anyhow::Result<()> {
    let Some(shrunk) = meridian_sim::shrink(&args.plan(seed)?) else {
        console.say(good("every promise was kept: there is nothing to shrink"));
        console.document(&json!({"seed": seed, "violation": null}));
        return Ok(());
    };
    for line in &shrunk.report.trace {
        console.say(line);
    }
    console.say(format!(
        "{} operations and {} faults are left after {} runs",
        shrunk.operations, shrunk.faults, shrunk.runs
    ));
    if let Some(path) = &args.scenario {
        write_scenario(path, &shrunk)?;
        let line = format!("meridian scenario run {} --simulate", path.display());
        console.say(format!("`{line}` runs it"));
    }
    console.document(&json!({
        "seed": seed,
        "replay": replay(&shrunk.plan),
        "operations": shrunk.operations,
        "faults": shrunk.faults,
        "violation": shrunk.report.verdict.violation,
        "trace": shrunk.report.trace,
    }));
    refuse(console, &shrunk.plan, &shrunk.report)
}

/// What is left of a run, as a scenario that expects the same promise broken.
fn write_scenario(path: &Path, shrunk: &Shrunk) -> anyhow::Result<()> {
    let (plan, violation) = (&shrunk.plan, shrunk.report.verdict.violation.as_ref());
    let drawn = Drawn {
        seed: plan.seed,
        operations: plan.operations,
        skip_faults: Numbers(plan.skip_faults.clone()),
        skip_operations: Numbers(plan.skip_operations.clone()),
    };
    let expect = violation.map_or(Verdict::Pass, |it| Verdict::Violation(it.promise.into()));
    let about = violation.map_or(String::new(), |it| it.what.clone());
    let name = format!("seed-{}", plan.seed);
    let text = meridian_scenario::write(&name, &about, &drawn, &expect);
    std::fs::write(path, text)
        .with_context(|| format!("writing the scenario to {}", path.display()))
}

#[cfg(test)]
mod tests {
    use meridian_sim::Plan;

    use super::*;

    #[test]
    fn a_shrunk_run_is_written_as_a_scenario_that_is_the_same_run() {
        let plan = Plan {
            operations: 60,
            skip_operations: (20..60).collect(),
            ..Plan::new(5)
        };
        let shrunk = Shrunk {
            report: meridian_sim::run(&plan),
            plan,
            faults: 0,
            operations: 20,
            runs: 1,
        };
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("seed-5.yaml");
        write_scenario(&path, &shrunk).expect("writable");
        let text = std::fs::read_to_string(&path).expect("readable");
        let scenario = meridian_scenario::read(&text).expect("it is right");
        let performed = meridian_sim::perform(&scenario, &Default::default()).expect("it runs");
        assert_eq!(performed.outcome.digest, Some(shrunk.report.digest));
        assert!(performed.outcome.is_met());
    }
}
