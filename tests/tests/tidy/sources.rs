//! Every file by itself: headers, lints, and words that have no place in it.

use crate::repository::{expect_none, files};

/// Reminders of work that nobody does; an issue is the place for it. Written
/// in two parts, so that this file may hold them.
const REMINDERS: [&str; 4] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
    concat!("HA", "CK"),
];

/// Folders of somebody's machine.
const MACHINE_PATHS: [&str; 4] = [
    concat!("/ro", "ot/"),
    concat!("/wo", "rk/"),
    concat!("/ho", "me/"),
    concat!("/Us", "ers/"),
];

/// Whom a link may name: documentation, the dialect of JSON Schema, the registry's index in the lock file,
/// this machine and places that cannot exist. Everything else is somebody's own
/// mirror or a link that will rot.
const HOSTS: [&str; 7] = [
    "127.0.0.1",
    "docs.aws.amazon.com",
    "docs.rs",
    "github.com",
    "json-schema.org",
    "rustsec.org",
    "www.apache.org",
];

/// Is this word in the text, not as a part of another?
fn has_word(text: &str, word: &str) -> bool {
    let inside = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(inside) && !after.is_some_and(inside)
    })
}

/// Hosts of links; a host that is computed or has no dot is nobody's.
fn hosts(text: &str) -> Vec<&str> {
    let links = text
        .split("https://")
        .skip(1)
        .chain(text.split("http://").skip(1));
    let host = |link: &'_ str| -> usize {
        link.find(|c: char| !(c.is_ascii_alphanumeric() || ".-".contains(c)))
            .unwrap_or(link.len())
    };
    let names = links.map(|link| link[..host(link)].trim_end_matches('.'));
    names.filter(|name| name.contains('.')).collect()
}

/// What is wrong with a file of any kind.
fn wrong_words(text: &str) -> Vec<String> {
    let reminders = REMINDERS.iter().filter(|word| has_word(text, word));
    let paths = MACHINE_PATHS.iter().filter(|path| text.contains(**path));
    // Names below example.com belong to nobody (RFC 2606).
    let allowed = |host: &&str| HOSTS.contains(host) || host.ends_with(".example.com");
    let hosts = hosts(text).into_iter().filter(|host| !allowed(host));
    let found = reminders
        .chain(paths)
        .map(|it| format!("has the word {it}"));
    found
        .chain(hosts.map(|host| format!("links to {host}")))
        .collect()
}

/// What is wrong with a Rust file.
fn wrong_source(text: &str) -> Option<&'static str> {
    (!text.starts_with("//! "))
        .then_some("does not begin with a `//!` line that says what it is for")
}

/// What is wrong with a crate's manifest.
fn wrong_manifest(text: &str) -> Option<&'static str> {
    (!text.contains("\n[lints]\nworkspace = true\n")).then_some("lacks `[lints] workspace = true`")
}

#[test]
fn every_file_is_as_files_are_here() {
    let files = files();
    let count = |end: &str| files.iter().filter(|file| file.path.ends_with(end)).count();
    assert!(
        count(".rs") > 100 && count("/Cargo.toml") > 8,
        "the walk misses files"
    );
    let mut wrong = Vec::new();
    for file in &files {
        let mut found = wrong_words(&file.text);
        if file.path.ends_with(".rs") {
            found.extend(wrong_source(&file.text).map(Into::into));
        }
        if file.path.ends_with("/Cargo.toml") {
            found.extend(wrong_manifest(&file.text).map(Into::into));
        }
        wrong.extend(
            found
                .into_iter()
                .map(|what| format!("{} {what}", file.path)),
        );
    }
    expect_none(wrong);
}

#[test]
fn a_reminder_a_machine_path_and_a_strange_host_are_found() {
    let clean =
        "todo!() HACKNEY https://github.com/x http://127.0.0.1:4599. http://{address}/ http://x:1";
    assert_eq!(wrong_words(clean), [""; 0]);
    for word in REMINDERS {
        assert_eq!(wrong_words(&format!("// {word}: later")).len(), 1);
    }
    for path in MACHINE_PATHS {
        assert_eq!(wrong_words(&format!("cd {path}x")).len(), 1);
    }
    let mirror = format!("index = \"https{}mirror.example.net/index\"", "://");
    assert_eq!(wrong_words(&mirror), ["links to mirror.example.net"]);
}

#[test]
fn a_source_without_header_and_a_manifest_without_lints_are_found() {
    assert_eq!(wrong_source("//! What it is for.\n"), None);
    assert!(wrong_source("use std::fmt;\n//! Late.\n").is_some());
    assert_eq!(
        wrong_manifest("[package]\n\n[lints]\nworkspace = true\n"),
        None
    );
    assert!(wrong_manifest("[package]\n[lints.rust]\nunsafe_code = \"allow\"\n").is_some());
}
