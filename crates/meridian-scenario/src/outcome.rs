//! The outcome of a run, as a plain value: for reports, and for programs.

use std::collections::BTreeMap;

use meridian_chaos::Fault;
use meridian_judge::{Count, Timings, Violation};
use serde::Serialize;

use crate::action::Action;
use crate::record::{Ending, StepRecord};
use crate::scenario::{Scenario, Verdict};

/// Who performed the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Driver {
    /// In virtual time.
    Simulated,
    /// On a running cluster.
    Live,
}

/// A kind of fault that was active, and how often it had an effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fired {
    /// The kind, such as `link cut`.
    pub kind: String,
    /// How often one began.
    pub began: u64,
    /// How often one had an effect on something.
    pub struck: u64,
}

impl Fired {
    /// What fired on a live cluster, which counts how often each kind had an
    /// effect; how often each began is in the record.
    pub fn live(
        scenario: &Scenario,
        steps: &[StepRecord],
        struck: &BTreeMap<&'static str, u64>,
    ) -> Vec<Fired> {
        let ids: Vec<u64> = (1..=scenario.topology.nodes_per_region).collect();
        let regions = scenario.topology.regions.iter().cloned();
        let nodes = regions.map(|region| (region, ids.clone())).collect();
        let mut fired: BTreeMap<&'static str, (u64, u64)> = BTreeMap::new();
        for step in &scenario.timeline {
            let Action::Fault { fault, .. } = &step.action else {
                continue;
            };
            if let Ok(fault) = Fault::from_proto(fault, &nodes, String::new(), 0) {
                let times = steps.iter().filter(|it| it.step == step.name);
                let times = times.filter(|it| it.began_ms.is_some()).count() as u64;
                fired.entry(fault.kind.name()).or_default().0 += times;
            }
        }
        for (kind, times) in struck {
            fired.entry(kind).or_default().1 = *times;
        }
        let of = |(kind, (began, struck)): (&'static str, (u64, u64))| Fired {
            kind: kind.to_owned(),
            began,
            struck,
        };
        fired.into_iter().map(of).collect()
    }
}

/// What a run of a scenario came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// The scenario's name.
    pub name: String,
    /// What it is about.
    pub about: String,
    /// The seed.
    pub seed: u64,
    /// Who performed it.
    pub driver: Driver,
    /// The names of the regions.
    pub regions: Vec<String>,
    /// SHA-256 of everything that happened, in hexadecimal; only of a simulated
    /// run, where it is the same every time.
    pub digest: Option<String>,
    /// When the timeline began, in the milliseconds of the history.
    pub began_ms: i64,
    /// When the run ended, likewise.
    pub ended_ms: i64,
    /// What happened at each step.
    pub steps: Vec<StepRecord>,
    /// Why the timeline could not begin.
    pub trouble: Option<String>,
    /// What the judge was expected to say.
    pub expected: String,
    /// The first broken promise.
    pub violation: Option<Violation>,
    /// How often each promise was looked at.
    pub looked: Count,
    /// How long regions disagreed and took to agree again.
    pub timings: Timings,
    /// Faults that fired.
    pub faults: Vec<Fired>,
    /// Why the run was not as expected; nothing if it was.
    pub unmet: Vec<String>,
}

impl Outcome {
    /// Was everything as expected?
    pub fn is_met(&self) -> bool {
        self.unmet.is_empty()
    }

    /// Decides whether everything was as expected.
    #[must_use]
    pub fn judged(mut self, scenario: &Scenario) -> Outcome {
        self.expected = match &scenario.expect {
            Verdict::Pass => "pass".into(),
            Verdict::Violation(promise) => format!("violation: {promise}"),
        };
        self.unmet.extend(self.trouble.clone());
        let missed = self.steps.iter().filter(|step| step.met == Some(false));
        let told = missed.map(|step| {
            let ending = step.ending.words();
            match (&step.expected, &step.ending) {
                (Some(wanted), Ending::Call(_)) => {
                    format!("step {}: {ending}, and not {wanted}", step.step)
                }
                _ => format!("step {}: {ending}", step.step),
            }
        });
        self.unmet.extend(told.collect::<Vec<_>>());
        let unmet = match (&scenario.expect, &self.violation) {
            (Verdict::Pass, None) => None,
            (Verdict::Pass, Some(it)) => Some(format!("{} was broken: {}", it.promise, it.what)),
            (Verdict::Violation(promise), Some(it)) if it.promise == promise => None,
            (Verdict::Violation(promise), _) => Some(format!("{promise} was not broken")),
        };
        self.unmet.extend(unmet);
        self
    }
}
