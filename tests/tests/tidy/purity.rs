//! What the pure crates must not be able to reach: a runtime, a network, a disk
//! engine, a source of randomness.

use crate::repository::{cargo, expect_none};

/// Built by themselves, with their default features.
const PURE: [&str; 9] = [
    "meridian-chaos",
    "meridian-crypto",
    "meridian-iam",
    "meridian-judge",
    "meridian-kms",
    "meridian-report",
    "meridian-scenario",
    "meridian-seed",
    "meridian-sim",
];

/// By name, or by the beginning of a name where it ends in `*`. The operating
/// system's randomness reaches every release of `rand` through getrandom.
const OUT_OF_REACH: [&str; 16] = [
    "async-executor",
    "async-io",
    "async-std*",
    "axum*",
    "futures-executor",
    "getrandom",
    "h2",
    "hyper*",
    "mio",
    "openraft*",
    "reqwest",
    "sled",
    "smol",
    "socket2",
    "tokio*",
    "tonic*",
];

/// What a listing of `cargo tree --prefix none` has that is out of reach.
fn reached(tree: &str) -> Vec<&str> {
    let forbidden = |name: &&str| {
        OUT_OF_REACH
            .iter()
            .any(|rule| match rule.strip_suffix('*') {
                Some(beginning) => name.starts_with(beginning),
                None => name == rule,
            })
    };
    let names = tree.lines().filter_map(|line| line.split(' ').next());
    let mut found: Vec<&str> = names.filter(forbidden).collect();
    found.sort_unstable();
    found.dedup();
    found
}

#[test]
fn the_pure_crates_reach_no_runtime_network_disk_or_randomness() {
    let mut wrong = Vec::new();
    for name in PURE {
        let tree = cargo(&["tree", "-p", name, "-e", "normal", "--prefix", "none"]);
        assert!(tree.starts_with(name), "cargo shows another tree: {tree}");
        let why = |it: &str| format!("{name} reaches {it}: cargo tree -p {name} -e normal -i {it}");
        wrong.extend(reached(&tree).into_iter().map(why));
    }
    expect_none(wrong);
}

#[test]
fn a_runtime_anywhere_in_the_tree_is_found() {
    let tree = "meridian-kms v0.1.0 (somewhere)\nbytes v1.12.1\ntokio-util v0.7.1\ngetrandom v0.4.3 (*)\nmio v1.0.0\n";
    assert_eq!(reached(tree), ["getrandom", "mio", "tokio-util"]);
    assert_eq!(
        reached("meridian-crypto v0.1.0\nrand_core v0.9.5\n"),
        [""; 0]
    );
}
