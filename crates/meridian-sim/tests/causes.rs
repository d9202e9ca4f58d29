//! A violation comes with what led to it, also across regions, and a kept history
//! says the same.

use meridian_judge::Violation;
use meridian_kms::planted::{Bug, plant};
use meridian_sim::planted::Planted;
use meridian_sim::{Plan, Report, run};

/// The first seed that breaks a promise as wanted, with its history.
fn broken(planted: Option<Planted>, as_wanted: impl Fn(&Violation) -> bool) -> (Report, Violation) {
    let found = (0..100).find_map(|seed| {
        let report = run(&Plan {
            planted,
            history: true,
            ..Plan::new(seed)
        });
        let violation = report.verdict.violation.clone()?;
        as_wanted(&violation).then_some((report, violation))
    });
    found.expect("the bug is noticed")
}

#[test]
fn a_refused_call_that_had_an_effect_is_told_from_its_invocation_on() {
    let (report, violation) = broken(Some(Planted::RefusedAfterCommit), |_| true);
    let causes = &violation.causes;
    let last = causes.last().expect("there is the bad event itself");
    assert!(
        last.what.contains("is refused: KMSInternalException"),
        "{last:?}"
    );
    let call = last.what.split(" of ").next().expect("it names the call");
    let has = |start: &str, then: &str| {
        causes
            .iter()
            .any(|it| it.what.starts_with(start) && it.what.contains(then))
    };
    assert!(has("client ", call), "{causes:#?}");
    assert!(has(call, "is committed"), "{causes:#?}");
    assert_eq!(
        last.line,
        report.history.seen.len() + 1,
        "the last line of the file"
    );
    assert_eq!(report.history.judge(), report.verdict);
}

#[test]
fn what_another_region_did_is_among_the_causes_once_it_was_told() {
    plant(Some(Bug::SwitchIgnored));
    // Other seeds break a promise before anybody has told anybody.
    let told = |it: &Violation| {
        let has = |words: &str| it.causes.iter().any(|cause| cause.what.contains(words));
        has(" hears from ") && has("→ CURRENT")
    };
    let (report, violation) = broken(None, told);
    plant(None);
    let causes = &violation.causes;
    assert!(violation.key.is_some());
    assert!(causes.is_sorted_by_key(|it| it.line));
    assert_eq!(report.history.judge(), report.verdict);
}
