//! The durable forms, byte by byte: log entries, snapshots, facts and preflight
//! messages. Whatever was written once must stay readable and mean the same: if
//! one of these fails, the form changed and needs a new version.
//!
//! The bytes in `golden/` are those of one story, which `UPDATE=1` plays again.

#![allow(
    clippy::unwrap_used,
    reason = "the functions beside the tests are part of them"
)]

#[path = "../src/fixture.rs"]
mod fixture;

#[path = "formats/key_stores.rs"]
mod key_stores;
#[path = "formats/metadata.rs"]
mod metadata;
#[path = "formats/specs.rs"]
mod specs;
#[path = "formats/story.rs"]
mod story;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::OnceLock;

use meridian_kms::durable::FormatError;
use meridian_kms::replication::fact::{Fact, FactError};
use meridian_kms::{Answer, Entry, Operation, Question, Region};
use story::{STORED, Stored, Story};

const UPDATE: &str = "UPDATE=1 cargo test -p meridian-kms --test formats";

/// The lines of a golden file.
fn golden(file: &str) -> Vec<String> {
    static UPDATED: OnceLock<()> = OnceLock::new();
    UPDATED.get_or_init(|| {
        if std::env::var_os("UPDATE").is_some() {
            write(&story::play());
        }
    });
    let text = std::fs::read_to_string(path(file));
    let text = text.unwrap_or_else(|error| panic!("golden/{file}: {error}; once: {UPDATE}"));
    assert!(!text.is_empty(), "golden/{file} shows nothing");
    text.lines().map(str::to_owned).collect()
}

fn path(file: &str) -> PathBuf {
    let crate_root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    crate_root.join("tests/golden").join(file)
}

fn write(story: &Story) {
    let put = |file: &str, lines: &[Vec<u8>]| {
        let lines: Vec<String> = lines.iter().map(|bytes| readable(bytes)).collect();
        std::fs::write(path(file), lines.join("\n") + "\n").unwrap();
    };
    std::fs::create_dir_all(path("")).unwrap();
    for Stored {
        name,
        log,
        snapshot,
    } in &story.regions
    {
        put(&format!("log_v1_{name}.txt"), log);
        put(
            &format!("snapshot_v1_{name}.txt"),
            std::slice::from_ref(snapshot),
        );
    }
    put("facts_v1.txt", &story.facts);
    put("preflight_v1.txt", &story.preflight);
}

/// A leading version byte as `<1>`, so that a golden file is text.
fn readable(bytes: &[u8]) -> String {
    match bytes {
        [version @ 0..=9, json @ ..] => format!("<{version}>{}", String::from_utf8_lossy(json)),
        json => String::from_utf8_lossy(json).into_owned(),
    }
}

fn bytes(line: &str) -> Vec<u8> {
    match line.strip_prefix('<').and_then(|rest| rest.split_once('>')) {
        Some((version, json)) => [&[version.parse().unwrap()], json.as_bytes()].concat(),
        None => line.into(),
    }
}

/// `CreateKey`, `Facts`, …: what the entries of a log do.
fn kinds<'a>(log: impl IntoIterator<Item = &'a [u8]>) -> BTreeSet<String> {
    let kind = |entry: &[u8]| {
        let entry: serde_json::Value = serde_json::from_slice(entry).unwrap();
        let change = &entry["body"]["change"];
        let request = change.get("Request").unwrap_or(change);
        match request.as_str() {
            Some(name) => name.to_owned(),
            None => request.as_object().unwrap().keys().next().unwrap().clone(),
        }
    };
    log.into_iter().map(kind).collect()
}

fn all_kinds() -> BTreeSet<String> {
    let writes = Operation::ALL
        .iter()
        .filter(|operation| operation.is_write());
    let inner = [
        "Facts",
        "FeedAcknowledged",
        "Tick",
        "AdvanceClock",
        "MaterialExpires",
        "AutomaticRotation",
        "ManagedKey",
    ];
    writes
        .map(|operation| operation.name())
        .chain(inner)
        .map(str::to_owned)
        .collect()
}

#[test]
fn log_entries_are_read_and_written_as_ever() {
    for region in STORED {
        for line in golden(&format!("log_v1_{region}.txt")) {
            let entry = Entry::decode(line.as_bytes()).unwrap();
            assert_eq!(readable(&entry.encode()), line);
        }
    }
}

#[test]
fn the_golden_logs_show_every_kind_of_change() {
    let lines = STORED
        .map(|region| golden(&format!("log_v1_{region}.txt")))
        .concat();
    let shown = kinds(lines.iter().map(String::as_bytes));
    assert_eq!(shown, all_kinds(), "extend the story, then: {UPDATE}");
    let story = story::play();
    let told = story.regions.iter().flat_map(|it| &it.log);
    assert_eq!(kinds(told.map(Vec::as_slice)), all_kinds());
}

#[test]
fn snapshots_are_read_and_written_as_ever() {
    for region in STORED {
        for line in golden(&format!("snapshot_v1_{region}.txt")) {
            let region = Region::decode(line.as_bytes()).unwrap();
            assert_eq!(readable(&region.encode()), line);
        }
    }
}

/// Else two nodes of one region, one of which restarts from its log and one
/// from a snapshot, would go apart with an upgrade.
#[test]
fn an_old_log_comes_to_the_state_that_it_always_came_to() {
    for name in STORED {
        let mut region = Region::new(fixture::region(name));
        for line in golden(&format!("log_v1_{name}.txt")) {
            region.apply(&Entry::decode(line.as_bytes()).unwrap());
        }
        let [snapshot] = &golden(&format!("snapshot_v1_{name}.txt"))[..] else {
            panic!("one snapshot in a file");
        };
        assert_eq!(&readable(&region.encode()), snapshot);
    }
}

#[test]
fn facts_are_read_and_written_as_ever() {
    let lines = golden("facts_v1.txt");
    let facts: Vec<Fact> = lines
        .iter()
        .map(|line| Fact::decode(&bytes(line)).unwrap())
        .collect();
    for (fact, line) in facts.iter().zip(&lines) {
        assert_eq!(&readable(&fact.encode()), line);
    }
    let shows = |wanted: fn(&Fact) -> bool| facts.iter().any(wanted);
    assert!(shows(|fact| matches!(fact, Fact::Report(_))));
    assert!(shows(
        |fact| matches!(fact, Fact::Shared(shared) if !shared.sealed.is_empty())
    ));
    assert!(shows(
        |fact| matches!(fact, Fact::Shared(shared) if shared.shared.rotation.is_some())
    ));
}

#[test]
fn preflight_messages_are_read_and_written_as_ever() {
    let lines = golden("preflight_v1.txt");
    let [question, nothing, key, asked, denied] = &lines[..] else {
        panic!("a question, an answer without a key, one with one, and both about a caller");
    };
    for line in [question, asked] {
        assert_eq!(
            &readable(&Question::decode(&bytes(line)).unwrap().encode()),
            line
        );
    }
    for line in [nothing, key, denied] {
        assert_eq!(
            &readable(&Answer::decode(&bytes(line)).unwrap().encode()),
            line
        );
    }
}

#[test]
fn forms_of_a_later_release_are_refused_by_their_version() {
    let later = |line: &str| line.replacen("\"v\":1", "\"v\":2", 1);
    let entry = later(&golden(&format!("log_v1_{}.txt", STORED[0]))[0]);
    assert!(matches!(
        Entry::decode(entry.as_bytes()),
        Err(FormatError::Version(2))
    ));
    let snapshot = later(&golden(&format!("snapshot_v1_{}.txt", STORED[0]))[0]);
    assert!(matches!(
        Region::decode(snapshot.as_bytes()),
        Err(FormatError::Version(2))
    ));
    let fact = golden("facts_v1.txt")[0].replacen("<1>", "<2>", 1);
    assert_eq!(Fact::decode(&bytes(&fact)), Err(FactError::Version(2)));
    let question = golden("preflight_v1.txt")[0].replacen("<1>", "<2>", 1);
    assert!(Question::decode(&bytes(&question)).is_err());
}
