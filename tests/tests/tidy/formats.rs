//! Every durable format that ARCHITECTURE.md lists has golden bytes, and a test
//! that reads them.

use crate::repository::{expect_none, read};

/// The format, the file with its test, and the test.
const PROOFS: [(&str, &str, &str); 16] = [
    (
        "log entry",
        "crates/meridian-kms/tests/formats.rs",
        "log_entries_are_read_and_written_as_ever",
    ),
    (
        "snapshot",
        "crates/meridian-kms/tests/formats.rs",
        "snapshots_are_read_and_written_as_ever",
    ),
    (
        "fact",
        "crates/meridian-kms/tests/formats.rs",
        "facts_are_read_and_written_as_ever",
    ),
    (
        "preflight",
        "crates/meridian-kms/tests/formats.rs",
        "preflight_messages_are_read_and_written_as_ever",
    ),
    (
        "ciphertext",
        "crates/meridian-crypto/tests/formats.rs",
        "a_ciphertext_is_written_and_read_as_ever",
    ),
    (
        "proxied ciphertext",
        "crates/meridian-crypto/src/proxied.rs",
        "the_form_is_read_and_written_as_ever",
    ),
    (
        "sealed material",
        "crates/meridian-crypto/tests/formats.rs",
        "material_at_rest_is_written_and_read_as_ever",
    ),
    (
        "sealed secret",
        "crates/meridian-crypto/src/sealed_secret.rs",
        "the_sealed_form_is_read_and_written_as_ever",
    ),
    (
        "import token",
        "crates/meridian-crypto/tests/formats.rs",
        "an_import_token_is_written_and_read_as_ever",
    ),
    (
        "grant token",
        "crates/meridian-crypto/src/grant_token.rs",
        "a_token_is_read_and_written_as_ever",
    ),
    (
        "log-store records",
        "crates/meridian-raft/src/record.rs",
        "entries_have_the_bytes_of_version_1",
    ),
    (
        "history",
        "crates/meridian-judge/tests/formats.rs",
        "histories_are_read_and_written_as_ever",
    ),
    (
        "part",
        "crates/meridian-node/src/recorder/part.rs",
        "parts_are_read_and_written_as_ever",
    ),
    (
        "scenario",
        "crates/meridian-scenario/tests/formats.rs",
        "scenarios_are_read_as_ever",
    ),
    (
        "seed",
        "crates/meridian-seed/tests/formats.rs",
        "seed_files_are_read_as_ever",
    ),
    (
        "ownership",
        "crates/meridian-node/src/ownership.rs",
        "a_directory_stays_with_its_region_and_its_keys",
    ),
];

/// Files of golden bytes that the tests above read.
const GOLDEN: [&str; 21] = [
    "crates/meridian-crypto/tests/golden/grant_token_v1.hex",
    "crates/meridian-crypto/tests/golden/import_token_v1.hex",
    "crates/meridian-judge/tests/golden/history_v1.jsonl",
    "crates/meridian-kms/tests/golden/facts_v1.txt",
    "crates/meridian-kms/tests/golden/log_v1_ap-south-1.txt",
    "crates/meridian-kms/tests/golden/log_v1_eu-west-1.txt",
    "crates/meridian-kms/tests/golden/log_v1_sa-east-1.txt",
    "crates/meridian-kms/tests/golden/log_v1_us-east-1.txt",
    "crates/meridian-kms/tests/golden/log_v1_us-gov-west-1.txt",
    "crates/meridian-kms/tests/golden/preflight_v1.txt",
    "crates/meridian-kms/tests/golden/snapshot_v1_ap-south-1.txt",
    "crates/meridian-kms/tests/golden/snapshot_v1_eu-west-1.txt",
    "crates/meridian-kms/tests/golden/snapshot_v1_sa-east-1.txt",
    "crates/meridian-kms/tests/golden/snapshot_v1_us-east-1.txt",
    "crates/meridian-kms/tests/golden/snapshot_v1_us-gov-west-1.txt",
    "crates/meridian-node/tests/golden/part_v1.jsonl",
    "crates/meridian-scenario/tests/golden/drawn_v1.txt",
    "crates/meridian-scenario/tests/golden/drawn_v1.yaml",
    "crates/meridian-scenario/tests/golden/scenario_v1.txt",
    "crates/meridian-scenario/tests/golden/scenario_v1.yaml",
    "crates/meridian-seed/tests/golden/seed_v1.yaml",
];

/// The formats that the map lists after "golden bytes under test:".
fn listed(map: &str) -> Vec<String> {
    let words = map.split_whitespace().collect::<Vec<_>>().join(" ");
    let (_, list) = words
        .split_once("golden bytes under test: ")
        .unwrap_or_default();
    let list = list.split('.').next().unwrap_or_default();
    list.split(", ").map(str::to_owned).collect()
}

/// A file that has no such test.
fn without_test(text: &str, test: &str) -> bool {
    !text.contains(&format!("#[test]\n    fn {test}("))
        && !text.contains(&format!("#[test]\nfn {test}("))
}

#[test]
fn every_durable_format_of_the_map_has_golden_bytes() {
    assert_eq!(
        listed(&read("ARCHITECTURE.md")),
        PROOFS.map(|(format, ..)| format)
    );
    let unproven = PROOFS
        .iter()
        .filter(|(_, file, test)| without_test(&read(file), test));
    let unproven = unproven.map(|(format, file, test)| format!("{format}: no {test} in {file}"));
    let empty = GOLDEN.iter().filter(|file| read(file).trim().is_empty());
    expect_none(
        unproven
            .chain(empty.map(|file| format!("{file} is empty")))
            .collect(),
    );
}

#[test]
fn a_format_without_a_test_is_found() {
    assert_eq!(
        listed("They have golden bytes under test: one,\nanother. More."),
        ["one", "another"]
    );
    assert_eq!(listed("no list"), [""]);
    assert!(!without_test(
        "#[test]\nfn a_fact_stays() {",
        "a_fact_stays"
    ));
    assert!(without_test("// fn a_fact_stays()", "a_fact_stays"));
    assert!(without_test("fn a_fact_stays() {", "a_fact_stays"));
}
