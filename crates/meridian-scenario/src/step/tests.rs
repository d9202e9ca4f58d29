//! Steps as a file has them.

use super::*;

fn step(text: &str) -> Result<Step, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

#[test]
fn a_fault_is_named_by_its_step_and_lasts_as_long_as_the_step_says() {
    let cut = r#"{"step": "cut", "at": "5s", "for": "30s",
        "fault": {"link_cut": {"link": {"from": "a", "to": "b"}}}}"#;
    let step = step(cut).unwrap();
    let Action::Fault { fault, lasting } = step.action else {
        panic!("the step is a fault")
    };
    assert_eq!(fault.id, "cut");
    assert_eq!(lasting, Some(Span::of_ms(30_000)));
}

#[test]
fn a_step_has_one_trigger_and_one_action_and_nothing_idle() {
    let wrong = |text| step(text).unwrap_err();
    assert!(wrong(r#"{"step": "a", "advance": "8d"}"#).contains("exactly one of at"));
    assert!(wrong(r#"{"step": "a", "at": "5s"}"#).contains("exactly one of call"));
    let two = r#"{"step": "a", "at": "5s", "advance": "8d", "heal": "all"}"#;
    assert!(wrong(two).contains("exactly one of call"));
    let idle = r#"{"step": "a", "at": "5s", "heal": "all", "expect": "ok"}"#;
    assert!(wrong(idle).contains("expect goes with call"));
    let late = r#"{"step": "a", "at": "5s", "delay": "1s", "heal": "all"}"#;
    assert!(wrong(late).contains("delay goes with"));
}

#[test]
fn a_fault_that_the_cluster_would_refuse_is_refused() {
    let kind = r#"{"step": "a", "at": "5s", "fault": {"link_cat": {}}}"#;
    assert!(step(kind).unwrap_err().contains("link_cat"));
    let twice = r#"{"step": "a", "at": "5s",
        "fault": {"duration_ms": 5, "link_hold": {"link": {"from": "a", "to": "b"}}}}"#;
    assert!(step(twice).unwrap_err().contains("with for"));
}
