//! An outcome on the terminal.

use std::time::Duration;

use meridian_scenario::Outcome;
use meridian_scenario::record::StepRecord;

use crate::console::{Console, bad, dim, good};
use crate::span;
use crate::table::Table;
use crate::verdict::{causes, counted, promises};

/// Prints what a run came to.
pub fn print(console: Console, outcome: &Outcome) {
    if !outcome.about.is_empty() {
        console.say(dim(&outcome.about));
        console.say("");
    }
    if !outcome.steps.is_empty() {
        let mut table = Table::new(["AT", "STEP", "DOES", "COMES TO", ""]);
        for step in &outcome.steps {
            table.row(row(step));
        }
        console.table(&table);
        console.say("");
    }
    let broken = outcome.violation.iter().map(|it| it.promise).collect();
    console.table(&promises(counted(&outcome.looked), &broken));
    console.say("");
    if let Some(violation) = &outcome.violation {
        causes(console, violation);
        console.say("");
    }
    for fault in &outcome.faults {
        console.say(format!(
            "{}: began {} times, struck {} times",
            fault.kind, fault.began, fault.struck
        ));
    }
    if let Some(digest) = &outcome.digest {
        console.say(format!("digest {digest}"));
    }
    if outcome.is_met() {
        console.say(good("everything was as expected"));
    }
}

fn row(step: &StepRecord) -> [String; 5] {
    let at = step.began_ms.map_or("never".to_owned(), |ms| {
        span::show(Duration::from_millis(ms.max(0).unsigned_abs()))
    });
    let met = match (step.met, &step.expected) {
        (Some(true), _) => good("✓"),
        (Some(false), Some(wanted)) => bad(&format!("✗ expected {wanted}")),
        (Some(false), None) => bad("✗"),
        (None, _) => String::new(),
    };
    let action = step.action.clone();
    [at, step.step.clone(), action, step.ending.words(), met]
}
