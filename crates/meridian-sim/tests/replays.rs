//! Every scenario of the library shows its trouble in virtual time, the same
//! way every time.

use std::path::Path;

use meridian_scenario::Scenario;
use meridian_sim::scenario::{Wanted, perform};

fn scenarios() -> Vec<(String, Scenario)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/scenarios");
    let entries = folder.read_dir().expect("the library is there");
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("readable").path())
        .collect();
    paths.retain(|path| path.extension().is_some_and(|it| it == "yaml"));
    paths.sort();
    assert!(paths.len() >= 14, "{} scenarios are too few", paths.len());
    let read = |path: &std::path::PathBuf| {
        let name = path
            .file_stem()
            .expect("it has a name")
            .display()
            .to_string();
        let text = std::fs::read_to_string(path).expect("readable");
        let scenario = meridian_scenario::read(&text);
        let scenario = scenario.unwrap_or_else(|mistakes| panic!("{name}: {mistakes:#?}"));
        (name, scenario)
    };
    paths.iter().map(read).collect()
}

#[test]
fn every_replay_shows_its_trouble_twice_in_the_same_way() {
    for (name, scenario) in scenarios() {
        assert_eq!(scenario.name, name, "a scenario is called like its file");
        let run = || perform(&scenario, &Wanted::default()).expect("it can be simulated");
        let (one, other) = (run().outcome, run().outcome);
        assert!(one.is_met(), "{name}: {:#?}", one.unmet);
        assert_eq!(one, other, "{name}");
        assert!(one.looked.values().any(|times| *times > 0), "{name}");
    }
}

#[test]
fn the_example_of_the_readme_comes_out_as_it_says() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let readme = std::fs::read_to_string(readme).expect("readable");
    let examples = readme.split("```yaml\n").skip(1);
    let mut examples = examples.filter_map(|rest| rest.split("```").next());
    let example = examples.find(|it| it.contains("\ntimeline:"));
    let example = example.expect("the README has a scenario");
    let scenario = meridian_scenario::read(example).expect("it is right");
    let outcome = perform(&scenario, &Wanted::default()).expect("it can be simulated");
    assert!(outcome.outcome.is_met(), "{:#?}", outcome.outcome.unmet);
}
