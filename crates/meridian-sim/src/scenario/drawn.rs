//! A scenario that names a run of the simulator.

use meridian_scenario::outcome::{Driver, Fired, Outcome};
use meridian_scenario::scenario::{Drawn, Scenario};

use super::perform::{Performed, Wanted};
use crate::run::{Plan, Report, run};

/// Runs it.
pub(super) fn perform(scenario: &Scenario, drawn: &Drawn, wanted: &Wanted) -> Performed {
    let report = run(&Plan {
        operations: drawn.operations,
        trace: wanted.trace,
        history: wanted.history,
        skip_faults: drawn.skip_faults.0.clone(),
        skip_operations: drawn.skip_operations.0.clone(),
        ..Plan::new(wanted.seed.unwrap_or(drawn.seed))
    });
    performed(scenario, report, Told::default())
}

/// What a performance told, if there was one.
#[derive(Default)]
pub(super) struct Told {
    pub(super) steps: Vec<meridian_scenario::StepRecord>,
    pub(super) trouble: Option<String>,
    pub(super) began_ms: i64,
}

/// Sums up.
pub(super) fn performed(scenario: &Scenario, report: Report, told: Told) -> Performed {
    let fired = report.coverage.faults().filter(|(_, began, _)| *began > 0);
    let fired = fired.map(|(kind, began, struck)| Fired {
        kind: kind.to_owned(),
        began,
        struck,
    });
    let outcome = Outcome {
        name: scenario.name.clone(),
        about: scenario.about.trim().to_owned(),
        seed: report.seed,
        driver: Driver::Simulated,
        regions: report
            .history
            .regions
            .iter()
            .map(ToString::to_string)
            .collect(),
        digest: Some(report.digest),
        began_ms: told.began_ms,
        ended_ms: report.virtual_ms,
        steps: told.steps,
        trouble: told.trouble,
        expected: String::new(),
        violation: report.verdict.violation,
        looked: report.verdict.looked,
        timings: report.verdict.timings,
        faults: fired.collect(),
        unmet: Vec::new(),
    };
    Performed {
        outcome: outcome.judged(scenario),
        trace: report.trace,
        history: report.history,
    }
}
