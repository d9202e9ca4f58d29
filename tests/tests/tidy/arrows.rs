//! Which crate depends on which: ARCHITECTURE.md's picture, and no other arrow.

use serde_json::Value;

use crate::repository::{cargo, expect_none};

/// The arrows of normal and build dependencies.
const ARROWS: &[(&str, &[&str])] = &[
    ("meridian-proto", &[]),
    ("meridian-crypto", &[]),
    ("meridian-iam", &[]),
    (
        "meridian-kms",
        &["meridian-crypto", "meridian-iam", "meridian-proto"],
    ),
    ("meridian-chaos", &["meridian-proto"]),
    (
        "meridian-fuzz",
        &[
            "meridian-api",
            "meridian-crypto",
            "meridian-iam",
            "meridian-judge",
            "meridian-kms",
            "meridian-proto",
            "meridian-scenario",
            "meridian-seed",
        ],
    ),
    ("meridian-raft", &[]),
    (
        "meridian-api",
        &["meridian-iam", "meridian-kms", "meridian-proto"],
    ),
    (
        "meridian-node",
        &[
            "meridian-api",
            "meridian-chaos",
            "meridian-crypto",
            "meridian-iam",
            "meridian-judge",
            "meridian-kms",
            "meridian-proto",
            "meridian-raft",
            "meridian-seed",
        ],
    ),
    (
        "meridian-seed",
        &["meridian-crypto", "meridian-iam", "meridian-kms"],
    ),
    ("meridian-judge", &["meridian-crypto", "meridian-kms"]),
    (
        "meridian-report",
        &["meridian-crypto", "meridian-judge", "meridian-kms"],
    ),
    (
        "meridian-scenario",
        &[
            "meridian-chaos",
            "meridian-judge",
            "meridian-kms",
            "meridian-proto",
        ],
    ),
    (
        "meridian-sim",
        &[
            "meridian-chaos",
            "meridian-crypto",
            "meridian-judge",
            "meridian-kms",
            "meridian-proto",
            "meridian-scenario",
        ],
    ),
    (
        "meridian",
        &[
            "meridian-crypto",
            "meridian-iam",
            "meridian-judge",
            "meridian-kms",
            "meridian-node",
            "meridian-proto",
            "meridian-report",
            "meridian-scenario",
            "meridian-sim",
        ],
    ),
];

/// Arrows that only the tests of a crate have.
const DEV_ARROWS: &[(&str, &[&str])] = &[("meridian-report", &["meridian-sim"])];

/// They look at the product from outside; nothing depends on them.
const OUTSIDE: [&str; 2] = ["meridian-bench", "meridian-tests"];

/// Who alone may name a dependency in its manifest.
const OWNED: [(&str, &str); 3] = [
    ("openraft", "meridian-raft"),
    ("openraft-rt-tokio", "meridian-raft"),
    ("sled", "meridian-raft"),
];

fn allowed(from: &str, to: &str, dev: bool) -> bool {
    let in_table = |table: &[(&str, &[&str])]| {
        let row = table.iter().find(|(name, _)| *name == from);
        row.is_some_and(|(_, targets)| targets.contains(&to))
    };
    in_table(ARROWS) || dev && in_table(DEV_ARROWS)
}

/// What `cargo metadata` shows that the tables do not allow.
fn wrong_arrows(metadata: &Value) -> Vec<String> {
    let list = |value: &Value, key: &str| value[key].as_array().cloned().unwrap_or_default();
    let packages = list(metadata, "packages");
    let members = list(metadata, "workspace_members");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let ours: Vec<&Value> = packages
        .iter()
        .filter(|it| members.contains(&it["id"]))
        .collect();
    let names: Vec<String> = ours.iter().map(|it| text(&it["name"])).collect();
    let mut wrong = Vec::new();
    for (from, package) in names.iter().zip(ours) {
        if !is_outside(from) && ARROWS.iter().all(|(name, _)| name != from) {
            wrong.push(format!(
                "{from} is in no table of this test: draw its arrows"
            ));
        }
        for dependency in list(package, "dependencies") {
            let to = text(&dependency["name"]);
            let dev = dependency["kind"] == "dev";
            if OWNED
                .iter()
                .any(|(name, owner)| *name == to && owner != from)
            {
                wrong.push(format!("{from} names {to}, which belongs to another crate"));
            }
            if !names.contains(&to) || is_outside(from) && !is_outside(&to) {
                continue;
            }
            if !allowed(from, &to, dev) {
                let kind = if dev { " in its tests" } else { "" };
                wrong.push(format!("{from} may not depend on {to}{kind}"));
            }
        }
    }
    wrong
}

fn is_outside(name: &str) -> bool {
    OUTSIDE.contains(&name)
}

#[test]
fn crates_depend_on_each_other_as_the_map_says() {
    let printed = cargo(&["metadata", "--no-deps", "--format-version", "1"]);
    let metadata: Value = serde_json::from_str(&printed).expect("cargo prints JSON");
    let members = metadata["workspace_members"].as_array().map_or(0, Vec::len);
    assert!(
        members >= ARROWS.len(),
        "{members} crates are too few to be all"
    );
    expect_none(wrong_arrows(&metadata));
}

#[test]
fn another_arrow_or_another_owner_is_found() {
    let package = |name: &str, to: &str, kind: Value| {
        let dependency = serde_json::json!({"name": to, "kind": kind});
        serde_json::json!({"id": name, "name": name, "dependencies": [dependency]})
    };
    let wrong = |from: &str, to: &str, kind: Value| {
        let packages = [
            package(from, to, kind),
            package("meridian-chaos", "serde", Value::Null),
        ];
        let metadata = serde_json::json!({
            "packages": packages,
            "workspace_members": [from, "meridian-chaos"],
        });
        wrong_arrows(&metadata)
    };
    assert_eq!(
        wrong("meridian-node", "meridian-chaos", Value::Null),
        [""; 0]
    );
    assert_eq!(
        wrong("meridian-kms", "meridian-chaos", Value::Null),
        ["meridian-kms may not depend on meridian-chaos"]
    );
    assert_eq!(
        wrong("meridian-raft", "meridian-chaos", "dev".into()),
        ["meridian-raft may not depend on meridian-chaos in its tests"]
    );
    assert_eq!(
        wrong("meridian-node", "sled", Value::Null),
        ["meridian-node names sled, which belongs to another crate"]
    );
    assert_eq!(wrong("meridian-new", "serde", Value::Null).len(), 1);
}
