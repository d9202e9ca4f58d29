//! The binary as its user meets it: a cluster started by `up`, and the client
//! commands against it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use serde_json::Value;

const REGIONS: [&str; 3] = ["us-east-1", "eu-west-1", "ap-southeast-2"];

/// A command that sees none of the settings of whoever runs the tests.
fn meridian(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meridian"));
    for (name, _) in std::env::vars() {
        if name.starts_with("MERIDIAN_") || name.starts_with("AWS_") {
            command.env_remove(name);
        }
    }
    command.args(arguments);
    command
}

/// A cluster that `meridian up` runs, until the test ends.
struct Up {
    process: Child,
    output: BufReader<ChildStdout>,
    endpoint: String,
}

impl Up {
    fn start(arguments: &[&str]) -> Self {
        let mut process = meridian(&["up", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let paste = line_with(&mut output, "export AWS_ENDPOINT_URL_KMS=");
        line_with(&mut output, "ready:");
        let endpoint = paste.split_once('=').unwrap().1.to_owned();
        Self {
            process,
            output,
            endpoint,
        }
    }

    /// Asks it to end as a supervisor would, and waits.
    fn stop(mut self) {
        let kill = format!("kill -TERM {}", self.process.id());
        let asked = Command::new("sh").args(["-c", &kill]).status().unwrap();
        assert!(asked.success());
        line_with(&mut self.output, "stopping");
        assert!(self.process.wait().unwrap().success());
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = meridian(arguments);
        command
            .env("MERIDIAN_ENDPOINT", &self.endpoint)
            .output()
            .unwrap()
    }

    /// The standard output of a command that succeeds.
    fn text(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let text = String::from_utf8(output.stdout).unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{arguments:?}: {text}{errors}");
        text
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let text = self.text(&[arguments, &["--output", "json"]].concat());
        serde_json::from_str(&text).unwrap()
    }

    /// The standard error of a command that fails.
    fn failure(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn line_with(output: &mut impl BufRead, part: &str) -> String {
    let mut line = String::new();
    while output.read_line(&mut line).unwrap() > 0 {
        if line.contains(part) {
            return line.trim_end().to_owned();
        }
        line.clear();
    }
    panic!("the output ended without {part}");
}

/// A member of every region's state.
fn by_region<'a>(key: &'a Value, member: &str) -> Vec<&'a str> {
    let regions = key["regions"].as_array().unwrap();
    regions
        .iter()
        .map(|region| region[member].as_str().unwrap())
        .collect()
}

#[test]
fn the_demo_tells_a_true_story_and_heals_what_it_cut() {
    let up = Up::start(&["--ephemeral"]);
    let told = up.text(&["demo", "rotation"]);
    assert!(told.contains("RotateKeyOnDemand is refused"), "{told}");
    assert_eq!(told.matches("✓ opens").count(), 27, "{told}");
    assert!((40..=60).contains(&told.lines().count()), "{told}");
    assert!(
        told.lines().all(|line| line.chars().count() <= 120),
        "{told}"
    );
    assert_eq!(
        up.json(&["chaos", "list"])["faults"],
        Value::Array(Vec::new())
    );
    up.stop();
}

#[test]
fn a_key_is_made_imported_rotated_and_shown_in_all_regions() {
    let dir = tempfile::tempdir().unwrap();
    let up = Up::start(&["--ephemeral"]);
    let file = dir.path().join("material");
    std::fs::write(&file, [7; 32]).unwrap();
    let file = file.to_str().unwrap();
    let made = up.json(&[
        "key",
        "create",
        "--origin",
        "external",
        "--material",
        "random",
        "--replicate-to",
        "eu-west-1,ap-southeast-2",
        "--alias",
        "billing",
    ]);
    assert_eq!(by_region(&made, "key_state"), ["Enabled"; 3]);
    let id = made["key_id"].as_str().unwrap();
    assert!(id.starts_with("mrk-"), "{id}");

    let imported = up.text(&[
        "key",
        "import",
        "alias/billing",
        "--material",
        file,
        "--region",
        "us-east-1",
    ]);
    assert!(imported.contains("ap-southeast-2 to import"), "{imported}");
    let refused = up.failure(&["key", "rotate", id]);
    assert!(refused.contains("KMSInvalidStateException"), "{refused}");
    assert!(refused.contains("hint:"), "{refused}");

    let imported = up.text(&["key", "import", id, "--material", file, "--all-regions"]);
    for region in REGIONS {
        assert!(imported.contains(region), "{imported}");
    }
    assert!(
        imported.contains(&format!("meridian key rotate {id}")),
        "{imported}"
    );
    let watched = up.text(&["key", "rotate", id, "--watch"]);
    assert_eq!(
        watched.matches("PENDING_ROTATION → CURRENT").count(),
        3,
        "{watched}"
    );

    let before = up.json(&["key", "show", "alias/billing"]);
    let kept = dir.path().join("kept");
    let kept = kept.to_str().unwrap();
    let rotated = up.json(&[
        "key",
        "rotate",
        id,
        "--new-material",
        "random",
        "--save",
        kept,
    ]);
    let current = by_region(&rotated, "current_key_material_id");
    assert!(current.iter().all(|id| *id == current[0]));
    assert_ne!(current[0], by_region(&before, "current_key_material_id")[0]);
    let again = up.json(&[
        "key",
        "import",
        id,
        "--material",
        kept,
        "--region",
        "eu-west-1",
    ]);
    assert_eq!(again["imported_key_material_id"], current[0]);
    up.stop();
}

#[test]
fn a_rotation_waits_for_a_region_that_is_cut_off() {
    let up = Up::start(&["--ephemeral"]);
    let made = up.json(&["key", "create", "--replicate-to", "eu-west-1"]);
    let id = made["key_id"].as_str().unwrap();
    let cut = up.json(&["chaos", "cut", "us-east-1", "eu-west-1"]);
    let mut rotating = meridian(&["key", "rotate", id]);
    let rotating = rotating
        .env("MERIDIAN_ENDPOINT", &up.endpoint)
        .stdout(Stdio::piped());
    let mut rotating = rotating.spawn().unwrap();
    let mut output = BufReader::new(rotating.stdout.take().unwrap());
    line_with(&mut output, "rotation accepted");
    line_with(&mut output, "eu-west-1 to confirm the rotation");
    up.text(&["chaos", "heal", cut["id"].as_str().unwrap()]);
    line_with(&mut output, "rotated:");
    assert!(rotating.wait().unwrap().success());
    up.stop();
}

#[test]
fn time_advances_in_every_region_and_material_expires() {
    let up = Up::start(&["--ephemeral"]);
    up.text(&["key", "create", "--origin", "external", "--alias", "a"]);
    up.text(&[
        "key",
        "import",
        "alias/a",
        "--random",
        "--all-regions",
        "--expires-in",
        "300d",
    ]);
    let times = up.json(&["clock", "advance", "299d"]);
    assert_eq!(times["regions"].as_array().unwrap().len(), 3);
    assert_eq!(
        by_region(&up.json(&["key", "show", "alias/a"]), "key_state"),
        ["Enabled"]
    );
    up.text(&["clock", "advance", "2d"]);
    assert_eq!(
        by_region(&up.json(&["key", "show", "alias/a"]), "key_state"),
        ["PendingImport"]
    );
    up.stop();
}

#[test]
fn a_cluster_started_again_has_lost_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let data = ["--data-dir", dir.path().to_str().unwrap()];
    let up = Up::start(&data);
    let made = up.json(&[
        "key",
        "create",
        "--replicate-to",
        "eu-west-1,ap-southeast-2",
    ]);
    up.stop();
    let up = Up::start(&data);
    let found = up.json(&["key", "show", made["key_id"].as_str().unwrap()]);
    assert_eq!(by_region(&found, "key_state"), ["Enabled"; 3]);
    assert_eq!(
        by_region(&found, "current_key_material_id"),
        by_region(&made, "current_key_material_id")
    );
    up.stop();
}

#[test]
fn errors_say_what_to_do() {
    let up = Up::start(&[
        "--ephemeral",
        "--regions",
        "eu-central-1",
        "--nodes-per-region",
        "1",
    ]);
    let unknown = up.failure(&["key", "show", "alias/none"]);
    assert!(
        unknown.contains("no region of the cluster has"),
        "{unknown}"
    );
    let nowhere = up.failure(&["key", "show", "k", "--endpoint", "http://127.0.0.1:1"]);
    assert!(nowhere.contains("meridian up"), "{nowhere}");
    let alone = up.failure(&["demo", "rotation"]);
    assert!(alone.contains("needs three regions"), "{alone}");
    let failed = up.failure(&["key", "show", "alias/none", "--output", "json"]);
    let failed: Value = serde_json::from_str(&failed).unwrap();
    assert!(
        failed["error"]["hint"]
            .as_str()
            .unwrap()
            .contains("key create")
    );
    let taken = meridian(&["up", "--ephemeral", "--listen"])
        .arg(up.endpoint.trim_start_matches("http://"))
        .output()
        .unwrap();
    let taken = String::from_utf8(taken.stderr).unwrap();
    assert!(taken.contains("another program listens"), "{taken}");
    up.stop();
}
