//! Performances without any driver: the test says what happens.

use super::*;
use crate::answer::{Answer, CallEnd};
use crate::view::KeyView;

fn performance(timeline: &str) -> Performance {
    let text = format!(
        "version: 1\nname: story\ntopology:\n  regions: [us-east-1, eu-west-1]\n\
         time_limit: 1m\ntimeline:\n{timeline}"
    );
    Performance::new(crate::read(&text).expect("the scenario is right"))
}

/// The names of what is due; the profile, which always is, ends at once.
fn due(performance: &mut Performance, now_ms: i64, view: &View) -> Vec<(u64, String)> {
    let due = performance.due(now_ms, view);
    let mut named = Vec::new();
    for it in due {
        match it.task {
            Task::Profile(_) => performance.ended(it.id, now_ms, Ending::Done),
            _ => named.push((it.id, it.step)),
        }
    }
    named
}

fn names(due: &[(u64, String)]) -> Vec<&str> {
    due.iter().map(|(_, name)| name.as_str()).collect()
}

fn seen(state: &str) -> View {
    let key = KeyView {
        key_state: state.into(),
        ..KeyView::default()
    };
    let regions = BTreeMap::from([("us-east-1".to_owned(), key)]);
    View {
        keys: BTreeMap::from([("orders".to_owned(), regions)]),
    }
}

const CREATE: &str = "  - {step: create, at: 1s, region: us-east-1, call: {create: {key: orders, origin: generated}}}\n";

#[test]
fn steps_are_due_at_their_times_counted_from_the_beginning() {
    let mut it = performance(
        "  - {step: a, at: 5s, advance: 1d}\n  - {step: b, every: 2s, times: 2, heal: all}\n",
    );
    let view = View::default();
    assert_eq!(names(&due(&mut it, 100, &view)), ["b"]);
    assert_eq!(it.next_time(), Some(2_100));
    assert_eq!(names(&due(&mut it, 2_099, &view)), [""; 0]);
    assert_eq!(names(&due(&mut it, 2_100, &view)), ["b"]);
    assert_eq!(it.next_time(), Some(5_100));
    assert_eq!(names(&due(&mut it, 5_100, &view)), ["a"]);
}

#[test]
fn a_late_driver_begins_everything_that_was_due() {
    let mut it = performance("  - {step: b, every: 2s, until: 6s, heal: all}\n");
    let view = View::default();
    assert_eq!(names(&due(&mut it, 0, &view)), ["b"]);
    assert_eq!(names(&due(&mut it, 30_000, &view)), ["b", "b", "b"]);
}

#[test]
fn a_step_waits_for_the_end_of_a_call_or_of_a_fault() {
    let mut it = performance(&format!(
        "{CREATE}  - {{step: next, after: create, delay: 1s, heal: all}}\n  \
         - {{step: last, after_end_of: skew, advance: 1d}}\n  - {{step: skew, at: 1s, for: 10s, \
         fault: {{clock_freeze: {{node: {{region: us-east-1, node: 1}}}}}}}}\n"
    ));
    let view = View::default();
    due(&mut it, 0, &view);
    let began = due(&mut it, 1_000, &view);
    assert_eq!(names(&began), ["create", "skew"]);
    assert_eq!(names(&due(&mut it, 3_000, &view)), [""; 0]);
    let ok = Ending::Call(CallEnd::Ok(Answer::default()));
    it.ended(began[0].0, 3_000, ok);
    it.ended(began[1].0, 3_000, Ending::Done);
    assert_eq!(it.next_time(), Some(4_000));
    // Healing ends the fault, which was to last until 11 s.
    assert_eq!(names(&due(&mut it, 4_000, &view)), ["next", "last"]);
    let (records, _) = it.into_records();
    let skew = records.iter().find(|it| it.step == "skew").unwrap();
    assert_eq!(skew.fault_ended_ms, Some(4_000));
    assert_eq!(skew.regions, ["us-east-1"]);
}

#[test]
fn a_condition_is_looked_at_whenever_the_driver_asks() {
    let mut it = performance(&format!(
        "{CREATE}  - {{step: w, when: {{key: orders, key_state: Enabled}}, delay: 1s, heal: all}}\n"
    ));
    due(&mut it, 0, &View::default());
    assert!(it.is_watching());
    due(&mut it, 1_000, &seen("Creating"));
    assert_eq!(names(&due(&mut it, 2_000, &seen("Enabled"))), [""; 0]);
    assert!(!it.is_watching());
    assert_eq!(names(&due(&mut it, 3_000, &seen("Disabled"))), ["w"]);
}

#[test]
fn the_record_says_what_was_met_and_what_was_never_due() {
    let mut it = performance(&format!(
        "{CREATE}  - {{step: never, after_end_of: f, heal: f}}\n  - {{step: f, when: {{key: orders}}, \
         fault: {{clock_freeze: {{node: {{region: us-east-1, node: 1}}}}}}}}\n  \
         - {{step: probe, at: 2s, probe: {{command: [ls]}}}}\n  \
         - {{step: holds, at: 2s, holds: {{key: orders, in: [us-east-1]}}}}\n"
    ));
    let view = View::default();
    due(&mut it, 0, &view);
    let create = due(&mut it, 1_000, &view)[0].0;
    let code = "ThrottlingException".to_owned();
    let refused = CallEnd::Error {
        code,
        message: String::new(),
    };
    it.ended(create, 1_500, Ending::Call(refused));
    let probe = due(&mut it, 2_000, &view)[0].0;
    it.ended(probe, 2_000, Ending::NotRun("nothing to ask".into()));
    due(&mut it, 60_000, &view);
    assert!(it.is_over());
    let (records, trouble) = it.into_records();
    assert_eq!(trouble, None);
    let short = |it: &StepRecord| (it.step.clone(), it.ending.words(), it.met);
    let expected = [
        ("create", "ThrottlingException", Some(false)),
        ("probe", "not run: nothing to ask", None),
        ("holds", "does not hold", Some(false)),
        ("never", "never due", Some(false)),
        ("f", "never due", Some(false)),
    ];
    let expected = expected.map(|(step, ending, met)| (step.to_owned(), ending.to_owned(), met));
    assert_eq!(records.iter().map(short).collect::<Vec<_>>(), expected);
    assert_eq!(records[0].ended_ms, Some(1_500));
}

#[test]
fn keys_to_begin_with_are_made_before_the_timeline_begins() {
    let text = "version: 1\nname: story\ntopology:\n  regions: [us-east-1, eu-west-1]\nkeys:\n  \
                - {name: orders, origin: external, region: us-east-1, materials: [1]}\n\
                timeline:\n  - {step: a, at: 0s, heal: all}\n";
    let mut it = Performance::new(crate::read(text).expect("the scenario is right"));
    let view = View::default();
    for operation in ["CreateKey", "ImportKeyMaterial"] {
        let due = it.due(5, &view);
        let Task::Call { call, .. } = &due[0].task else {
            panic!("the prologue calls")
        };
        assert_eq!(call.operation(), operation);
        assert!(it.due(5, &view).is_empty(), "one call at a time");
        it.ended(due[0].id, 5, Ending::Call(CallEnd::Ok(Answer::default())));
    }
    assert!(it.due(5, &view).is_empty(), "the key has not been seen");
    let mut ready = seen("Enabled");
    for key in ready.keys.values_mut().flat_map(BTreeMap::values_mut) {
        key.current = Some(1);
    }
    assert_eq!(
        it.due(90, &ready).len(),
        2,
        "the profile and the first step"
    );
    assert_eq!(it.zero_ms(), Some(90));
}

#[test]
fn a_performance_whose_keys_cannot_be_made_is_over() {
    let text = "version: 1\nname: story\nkeys:\n  - {name: orders, origin: generated, region: \
                us-east-1}\ntimeline:\n  - {step: a, at: 0s, heal: all}\n";
    let mut it = Performance::new(crate::read(text).expect("the scenario is right"));
    let create = it.due(0, &View::default())[0].id;
    it.ended(create, 9, Ending::Call(CallEnd::Unknown));
    assert!(it.is_over());
    let (_, trouble) = it.into_records();
    assert!(trouble.is_some_and(|it| it.contains("CreateKey orders at us-east-1: unknown")));
}
