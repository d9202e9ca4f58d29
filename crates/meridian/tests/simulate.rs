//! `meridian simulate` as its user sees it: the same seed in two processes.

use std::process::{Command, Output};

fn simulate(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_meridian"))
        .arg("simulate")
        .args(arguments)
        .output()
        .expect("the binary runs")
}

fn digest(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().find_map(|line| line.strip_prefix("digest "));
    line.unwrap_or_else(|| panic!("no digest in:\n{text}"))
        .to_owned()
}

#[test]
fn one_seed_is_one_run_in_any_process() {
    for seed in ["7", "11"] {
        let (once, again) = (simulate(&["--seed", seed]), simulate(&["--seed", seed]));
        assert!(once.status.success());
        assert_eq!(digest(&once), digest(&again));
        assert_eq!(once.stdout, again.stdout);
    }
}

#[test]
fn many_seeds_have_one_digest_and_the_figures_of_all() {
    let arguments = ["--seeds", "3", "--first-seed", "20"];
    let (once, again) = (simulate(&arguments), simulate(&arguments));
    assert_eq!(digest(&once), digest(&again));
    let text = String::from_utf8_lossy(&once.stdout).into_owned();
    for part in [
        "R7 convergence",
        "node crash",
        "RotateKeyOnDemand",
        "3 seeds in",
    ] {
        assert!(text.contains(part), "no {part} in:\n{text}");
    }
}

#[test]
fn a_program_reads_the_same_as_a_person() {
    let output = simulate(&["--seed", "7", "--output", "json"]);
    let document: serde_json::Value =
        serde_json::from_slice(&output.stdout).expect("it prints JSON and nothing else");
    assert_eq!(document["digest"], digest(&simulate(&["--seed", "7"])));
    assert_eq!(document["violation"], serde_json::Value::Null);
}

#[test]
fn a_report_of_a_run_is_that_of_its_history() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name);
    let text = |name: &str| path(name).to_str().expect("a path in UTF-8").to_owned();
    let (history, run, again) = (text("history.jsonl"), text("run"), text("again"));
    let simulated = simulate(&["--seed", "7", "--history", &history, "--report", &run]);
    assert!(simulated.status.success());
    let judged = Command::new(env!("CARGO_BIN_EXE_meridian"))
        .args(["judge", &history, "--report", &again])
        .output()
        .expect("the binary runs");
    assert!(judged.status.success());
    for file in ["run/report.html", "run/junit.xml", "run/report.json"] {
        let written = std::fs::read_to_string(path(file)).expect("it was written");
        assert!(written.contains("R7 convergence"), "{file}");
    }
    let read = |file: &str| -> serde_json::Value {
        let text = std::fs::read_to_string(path(file)).expect("it was written");
        serde_json::from_str(&text).expect("it is JSON")
    };
    let (of_run, of_history) = (read("run/report.json"), read("again/report.json"));
    for part in ["promises", "timings", "faults", "unknown"] {
        assert_eq!(of_run[part], of_history[part], "{part}");
    }
    assert_eq!(of_run["replay"], "meridian simulate --seed 7");
}

#[test]
fn a_kept_history_is_judged_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("history.jsonl");
    let path = file.to_str().expect("a path in UTF-8");
    assert!(
        simulate(&["--seed", "7", "--history", path])
            .status
            .success()
    );
    let judge = || {
        Command::new(env!("CARGO_BIN_EXE_meridian"))
            .args(["judge", path])
            .output()
            .expect("the binary runs")
    };
    assert!(judge().status.success());
    let text = std::fs::read_to_string(&file).expect("it was written");
    let broken = text.replace("\"author\":false", "\"author\":true");
    std::fs::write(&file, broken).expect("it can be written");
    let verdict = judge();
    assert!(!verdict.status.success());
    let words = String::from_utf8_lossy(&verdict.stderr).into_owned();
    assert!(words.contains("R4 one primary"), "{words}");
}
