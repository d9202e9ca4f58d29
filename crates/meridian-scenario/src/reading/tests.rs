//! What a person is told about a wrong file.

use super::*;

const RIGHT: &str = "\
version: 1
name: story
topology:
  regions: [us-east-1, eu-west-1]
keys:
  - name: orders
    origin: external
    region: us-east-1
    replicas: [eu-west-1]
    materials: [1]
timeline:
  - step: cut
    at: 5s
    for: 30s
    fault: {link_cut: {link: {from: us-east-1, to: eu-west-1, both_directions: true}}}
  - step: encrypt
    after: cut
    region: eu-west-1
    call: {encrypt: {key: orders, as: text}}
";

fn wrong(text: &str) -> Vec<(u64, String)> {
    let mistakes = read(text).expect_err("the file is wrong");
    mistakes.into_iter().map(|it| (it.line, it.what)).collect()
}

/// The right file with a replacement, and the one mistake in it.
fn with(right: &str, instead: &str) -> (u64, String) {
    assert!(RIGHT.contains(right), "{right}");
    let mistakes = wrong(&RIGHT.replace(right, instead));
    assert_eq!(mistakes.len(), 1, "{mistakes:?}");
    mistakes[0].clone()
}

/// The right file with more steps, and the one mistake in them.
fn and(steps: &str) -> (u64, String) {
    let mistakes = wrong(&format!("{RIGHT}{steps}"));
    assert_eq!(mistakes.len(), 1, "{mistakes:?}");
    mistakes[0].clone()
}

#[test]
fn a_right_file_is_read() {
    let scenario = read(RIGHT).expect("nothing is wrong");
    assert_eq!(scenario.timeline.len(), 2);
    assert_eq!(scenario.time_limit.ms(), 600_000);
}

#[test]
fn every_mistake_of_shape_is_named_with_its_place() {
    let text = RIGHT
        .replace("at: 5s", "at: 5")
        .replace("as: text", "az: text")
        .replace("name: story", "name: story\ncolour: red");
    let mistakes = read(&text).expect_err("three things are wrong");
    let places: Vec<(u64, u64)> = mistakes.iter().map(|it| (it.line, it.column)).collect();
    assert_eq!(places, [(3, 1), (14, 5), (20, 35)], "{mistakes:?}");
    assert!(mistakes[0].what.contains("unknown field `colour`"));
    assert!(mistakes[1].what.contains("such as 200ms"));
    assert!(mistakes[2].what.contains("unknown field `az`"));
    assert!(mistakes[2].what.contains("`as`"), "what there is");
}

#[test]
fn what_cannot_be_read_is_no_reason_to_doubt_what_depends_on_it() {
    let mistakes = wrong(
        &RIGHT
            .replace("at: 5s", "at: 5")
            .replace("origin: external", "origin: elsewhere")
            .replace("region: eu-west-1\n    call", "region: eu-west-2\n    call"),
    );
    let lines: Vec<u64> = mistakes.iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, [7, 13, 18], "{mistakes:?}");
}

#[test]
fn what_is_missing_is_named() {
    assert!(wrong("version: 1\n")[0].1.contains("missing field `name`"));
    let (line, what) = with("    at: 5s\n", "");
    assert!(line == 12 && what.contains("exactly one of at"), "{what}");
}

#[test]
fn another_version_is_all_that_is_said() {
    let (line, what) = with("version: 1", "version: 2\nmore: yes");
    assert!(line == 1 && what.contains("reads version 1"), "{what}");
}

#[test]
fn unknown_names_are_mistakes() {
    let region = with("region: eu-west-1\n    call", "region: eu-west-2\n    call");
    assert_eq!(
        region,
        (
            18,
            "\"eu-west-2\" is no region of the topology; there is eu-west-1, us-east-1".into()
        )
    );
    let key = with("{key: orders,", "{key: order,");
    assert_eq!(key, (19, "\"order\" is no key; there is orders".into()));
    let step = with("after: cut", "after: cat");
    assert_eq!(
        step,
        (17, "\"cat\" is no step; there is cut, encrypt".into())
    );
    let heal = and("  - {step: heal, at: 9s, heal: cat}\n");
    assert_eq!(heal, (20, "\"cat\" is no fault; there is cut".into()));
    let decrypt =
        and("  - {step: open, at: 9s, region: us-east-1, call: {decrypt: {ciphertext: txt}}}\n");
    assert_eq!(
        decrypt,
        (20, "\"txt\" is no ciphertext; there is text".into())
    );
    let fault = with("to: eu-west-1,", "to: eu-west-9,");
    assert!(fault.0 == 15 && fault.1.contains("eu-west-9"), "{fault:?}");
}

#[test]
fn steps_that_wait_for_each_other_are_mistakes() {
    let mistakes = wrong(&format!(
        "{RIGHT}  - {{step: a, after: b, heal: all}}\n  - {{step: b, after: a, heal: all}}\n"
    ));
    assert_eq!(mistakes.len(), 2);
    assert!(mistakes.iter().all(|(_, what)| what.contains("waits for")));
}

#[test]
fn a_fault_that_never_ends_is_a_mistake() {
    let (line, what) = with("    for: 30s\n", "");
    assert!(line == 14 && what.contains("never ends"), "{what}");
    let healed = format!("{RIGHT}  - {{step: heal, at: 9s, heal: cut}}\n");
    assert!(read(&healed.replace("    for: 30s\n", "")).is_ok());
}

#[test]
fn unknown_states_promises_and_codes_are_mistakes() {
    let state = and("  - {step: s, when: {key: orders, key_state: Enable}, heal: all}\n");
    assert!(state.1.contains("PendingImport"), "{state:?}");
    let code = and(
        "  - {step: s, at: 9s, region: us-east-1, call: {rotate: {key: orders}}, \
         expect: {error: Nope}}\n",
    );
    assert!(code.1.contains("NotFoundException"), "{code:?}");
    let promise = with("name: story", "name: story\nexpect: {violation: R9}");
    assert!(promise.1.contains("R1 import before rotate"), "{promise:?}");
}

#[test]
fn a_repetition_has_an_end() {
    let (_, what) = and("  - {step: s, every: 2s, heal: all}\n");
    assert!(what.contains("until or times"), "{what}");
}

#[test]
fn a_scenario_in_which_nothing_happens_is_a_mistake() {
    assert!(
        wrong("version: 1\nname: story\n")[0]
            .1
            .contains("nothing happens")
    );
}
