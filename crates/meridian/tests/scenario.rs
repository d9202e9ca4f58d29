//! Scenarios and replays as their user meets them: the commands, what they
//! print, and their exit codes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn meridian(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meridian"));
    command.args(arguments).output().unwrap()
}

fn printed(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

fn library() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/scenarios");
    let paths = folder.read_dir().unwrap().map(|it| it.unwrap().path());
    paths
        .filter(|it| it.extension().is_some_and(|it| it == "yaml"))
        .collect()
}

#[test]
fn the_scenarios_of_the_library_are_right() {
    let paths: Vec<String> = library()
        .iter()
        .map(|it| it.display().to_string())
        .collect();
    let mut arguments = vec!["scenario", "check"];
    arguments.extend(paths.iter().map(String::as_str));
    let output = meridian(&arguments);
    assert!(output.status.success(), "{}", printed(&output.stdout));
}

#[test]
fn every_mistake_of_a_file_is_printed_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wrong.yaml");
    let text = "version: 1\nname: wrong\ntimeline:\n  - {step: a, at: 5, heal: all}\n  \
                - {step: b, after: c, heal: all}\n";
    std::fs::write(&path, text).unwrap();
    let name = path.display().to_string();
    let output = meridian(&["scenario", "check", &name]);
    assert!(!output.status.success());
    let lines = printed(&output.stdout);
    assert!(lines.contains(&format!("{name}:4:15: ")), "{lines}");
    assert!(
        lines.contains(&format!("{name}:5:15: \"c\" is no step")),
        "{lines}"
    );
    let output = meridian(&["scenario", "run", "--simulate", &name]);
    assert!(printed(&output.stderr).contains("wrong.yaml:4:15: "));
}

#[test]
fn a_replay_is_the_same_run_every_time_and_its_history_can_be_judged_again() {
    let folder = tempfile::tempdir().unwrap();
    let history = folder.path().join("history.jsonl").display().to_string();
    let replay = [
        "replay",
        "half-imported-set",
        "--simulate",
        "--output",
        "json",
    ];
    let one = meridian(&replay);
    let other = meridian(&[&replay[..], &["--history", &history]].concat());
    assert!(one.status.success(), "{}", printed(&one.stderr));
    assert_eq!(json(&one), json(&other));
    assert_eq!(json(&one)["met"], true);
    assert_eq!(json(&one)["digest"].as_str().map(str::len), Some(64));
    assert!(meridian(&["judge", &history]).status.success());
}

#[test]
fn what_was_not_as_expected_is_the_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wrong.yaml");
    let text = "version: 1\nname: wrong\nkeys:\n  - {name: k, origin: generated, region: us-east-1}\n\
                timeline:\n  - {step: a, at: 1s, region: us-east-1, call: {enable: {key: k}}, \
                expect: fails}\n";
    std::fs::write(&path, text).unwrap();
    let name = path.display().to_string();
    let output = meridian(&["scenario", "run", &name, "--simulate", "--seed", "4"]);
    assert!(!output.status.success());
    let words = printed(&output.stderr);
    assert!(words.contains("step a: ok, and not a failure"), "{words}");
    assert!(words.contains("--simulate --seed 4"), "{words}");
}

#[test]
fn all_replays_are_listed_with_what_they_lack() {
    let output = meridian(&["replay", "--list", "--output", "json"]);
    let replays = json(&output)["replays"].as_array().unwrap().clone();
    assert_eq!(replays.len(), 15);
    let lacking: Vec<&Value> = replays
        .iter()
        .filter(|it| it["available"] == false)
        .collect();
    assert!(lacking.iter().all(|it| it["why_not"].is_string()));
    assert!(
        !meridian(&["replay", "no-such-replay", "--simulate"])
            .status
            .success()
    );
}

#[test]
fn one_file_is_one_story_in_virtual_time_and_on_a_live_cluster() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = path.join("tests/scenarios/cut-off-in-the-middle.yaml");
    let name = path.display().to_string();
    let run = |flags: &[&str]| {
        let mut arguments = vec!["scenario", "run", &name, "--output", "json"];
        arguments.extend(flags);
        let output = meridian(&arguments);
        assert!(output.status.success(), "{}", printed(&output.stderr));
        json(&output)
    };
    let (simulated, live) = (run(&["--simulate"]), run(&[]));
    assert_eq!(simulated["driver"], "simulated");
    assert_eq!(live["driver"], "live");
    let steps = |outcome: &Value| -> Vec<(Value, Value)> {
        let steps = outcome["steps"].as_array().unwrap().iter();
        steps
            .map(|it| (it["step"].clone(), it["ending"].clone()))
            .collect()
    };
    // What clients are told carries identifiers of the run; how it ends does not.
    let without_messages = |text: String| -> String {
        let parts = text.split("\"message\":");
        parts
            .map(|it| it.split('}').next_back().unwrap_or(it))
            .collect()
    };
    for ((one, ending), (other, live_ending)) in steps(&simulated).iter().zip(&steps(&live)) {
        assert_eq!(one, other);
        let (ending, live_ending) = (ending.to_string(), live_ending.to_string());
        assert_eq!(without_messages(ending), without_messages(live_ending));
    }
    for promise in [
        "R2 decryptable everywhere",
        "R6 bytes stay home",
        "mixed window",
    ] {
        assert!(live["looked"][promise].as_u64().unwrap() > 0, "{promise}");
    }
}

#[test]
fn the_clients_of_a_workload_are_judged_on_a_live_cluster() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios/clients-at-work.yaml");
    let folder = tempfile::tempdir().unwrap();
    let history = folder.path().join("history.jsonl");
    let (name, kept) = (path.display().to_string(), history.display().to_string());
    let output = meridian(&[
        "scenario",
        "run",
        &name,
        "--output",
        "json",
        "--history",
        &kept,
    ]);
    assert!(output.status.success(), "{}", printed(&output.stderr));
    let outcome = json(&output);
    assert_eq!(
        (&outcome["driver"], &outcome["violation"]),
        (&"live".into(), &Value::Null)
    );
    for promise in [
        "R2 decryptable everywhere",
        "key states",
        "linearizable per key",
        "sessions",
    ] {
        assert!(outcome["looked"][promise].as_u64() > Some(0), "{promise}");
    }
    let lines = std::fs::read_to_string(&history).unwrap();
    let lines = lines.lines().map(|it| serde_json::from_str(it).unwrap());
    let calls: Vec<Value> = lines.filter(|it: &Value| it["type"] == "invoke").collect();
    let with = |name: &str| calls.iter().filter(|it| it["operation"] == name).count();
    // A client begins with a key, and every round of six calls has each of these.
    for operation in [
        "Encrypt",
        "Decrypt",
        "DescribeKey",
        "DisableKey",
        "EnableKey",
    ] {
        assert!(with(operation) >= 12, "{operation}: {}", with(operation));
    }
    assert!(with("CreateKey") >= 3);
}
