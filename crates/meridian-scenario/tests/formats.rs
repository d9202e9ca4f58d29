//! The format of scenario files: every part of version 1 is read as ever, and
//! the published schema is the one of the types. `UPDATE=1` writes the files
//! anew.

use std::path::{Path, PathBuf};

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn text(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap_or_default()
}

/// The file has this text; with `UPDATE=1` it gets it.
fn assert_file(name: &str, wanted: &str) {
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path(name), wanted).expect("writable");
    }
    assert_eq!(text(name), wanted, "{name} is another; UPDATE=1 writes it");
}

#[test]
fn scenarios_are_read_as_ever() {
    for name in ["scenario_v1", "drawn_v1"] {
        let yaml = text(&format!("tests/golden/{name}.yaml"));
        let scenario = meridian_scenario::read(&yaml);
        let scenario = scenario.unwrap_or_else(|mistakes| panic!("{name}: {mistakes:#?}"));
        assert_file(
            &format!("tests/golden/{name}.txt"),
            &format!("{scenario:#?}\n"),
        );
    }
}

#[test]
fn the_published_schema_is_the_schema_of_the_types() {
    let schema = meridian_scenario::schema::text();
    assert_file("../../deploy/scenarios/scenario.schema.json", &schema);
}

#[test]
fn the_schema_knows_every_part_that_is_read() {
    let schema = meridian_scenario::schema::schema();
    let step = &schema["$defs"]["Step"]["properties"];
    for field in [
        "at", "every", "when", "after", "fault", "for", "holds", "probe", "expect",
    ] {
        assert!(step[field].is_object(), "{field}");
    }
    assert_eq!(schema["additionalProperties"], false);
    assert_eq!(
        schema["$defs"]["Step"]["required"],
        serde_json::json!(["step"])
    );
    let cut = &step["fault"]["properties"]["link_cut"]["properties"]["link"]["properties"];
    assert_eq!(cut["both_directions"]["type"], "boolean");
}
