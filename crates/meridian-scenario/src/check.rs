//! What a scenario means: names that nothing defines, steps that wait for each
//! other, faults that never end.

use std::collections::BTreeSet;

use meridian_kms::RegionName;

use crate::names::Names;
use crate::scenario::{Origin, Scenario, Verdict};

mod steps;

/// What is wrong, and the path to it.
pub(crate) type Found = (Vec<String>, String);

/// Everything that is wrong with the meaning of a scenario. These words may be
/// names that parts define which could not be read.
pub(crate) fn mistakes(scenario: &Scenario, words: &BTreeSet<String>) -> Vec<Found> {
    let mut check = Check {
        scenario,
        names: Names::of(scenario),
        found: Vec::new(),
        path: Vec::new(),
    };
    check.names.allow(words);
    check.whole();
    check.keys();
    for (index, step) in scenario.timeline.iter().enumerate() {
        check.path = vec!["timeline".into(), index.to_string()];
        check.step(index, step);
    }
    check.found
}

struct Check<'a> {
    scenario: &'a Scenario,
    names: Names<'a>,
    found: Vec<Found>,
    /// What is being looked at.
    path: Vec<String>,
}

impl<'a> Check<'a> {
    /// Notes a mistake below the path.
    fn wrong(&mut self, below: &[&str], what: impl Into<String>) {
        let below = below.iter().map(|it| (*it).to_owned());
        let path = self.path.iter().cloned().chain(below).collect();
        self.found.push((path, what.into()));
    }

    fn unless_ok(&mut self, below: &[&str], checked: Result<(), String>) {
        if let Err(what) = checked {
            self.wrong(below, what);
        }
    }

    fn whole(&mut self) {
        let scenario = self.scenario;
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if scenario.name.is_empty() || !scenario.name.chars().all(plain) {
            self.wrong(&["name"], "a name has small letters, digits and hyphens");
        }
        if scenario.drawn.is_some() {
            let empty = scenario.timeline.is_empty() && scenario.keys.is_empty();
            if !empty || scenario.workload.is_some() {
                let what = "drawn stands alone, without keys, timeline and workload";
                self.wrong(&["drawn"], what);
            }
        } else if scenario.timeline.is_empty() && scenario.workload.is_none() {
            self.wrong(&[], "nothing happens: add a timeline, a workload, or drawn");
        }
        self.topology();
        let promises: BTreeSet<&str> = meridian_judge::Judge::promises().into_iter().collect();
        let known = |name: &str| match promises.contains(name) {
            true => Ok(()),
            false => {
                let all: Vec<&str> = promises.iter().copied().collect();
                Err(format!(
                    "{name:?} is no promise; there are: {}",
                    all.join(", ")
                ))
            }
        };
        for (index, name) in scenario.invariants.iter().enumerate() {
            self.unless_ok(&["invariants", &index.to_string()], known(name));
        }
        if let Verdict::Violation(name) = &scenario.expect {
            self.unless_ok(&["expect", "violation"], known(name));
        }
    }

    fn topology(&mut self) {
        let topology = &self.scenario.topology;
        let mut before = BTreeSet::new();
        for (index, name) in topology.regions.iter().enumerate() {
            let at = ["topology", "regions", &index.to_string()];
            if name.parse::<RegionName>().is_err() {
                self.wrong(
                    &at,
                    format!("{name:?} is no name of a region, such as eu-west-1"),
                );
            }
            if !before.insert(name) {
                self.wrong(&at, format!("{name} is named twice"));
            }
        }
        if topology.regions.is_empty() {
            self.wrong(
                &["topology", "regions"],
                "a cluster has at least one region",
            );
        }
        if ![1, 3, 5].contains(&topology.nodes_per_region) {
            let at = ["topology", "nodes_per_region"];
            self.wrong(&at, "a region has 1, 3 or 5 nodes");
        }
    }

    fn keys(&mut self) {
        let mut before = BTreeSet::new();
        for (index, key) in self.scenario.keys.iter().enumerate() {
            self.path = vec!["keys".into(), index.to_string()];
            if !before.insert(&key.name) || key.name.contains(['@', '/']) {
                let what = format!("{:?} is no name of its own, without @ and /", key.name);
                self.wrong(&["name"], what);
            }
            self.unless_ok(&["region"], self.names.region(&key.region));
            for (index, replica) in key.replicas.iter().enumerate() {
                let at = ["replicas", &index.to_string()];
                self.unless_ok(&at, self.names.region(replica));
                if *replica == key.region {
                    self.wrong(&at, "a replica is in another region than its primary");
                }
            }
            if !key.replicas.is_empty() && !key.multi_region {
                self.wrong(&["multi_region"], "only a multi-Region key has replicas");
            }
            if key.origin == Origin::Generated && !key.materials.is_empty() {
                let what = "materials are imported, which needs the origin external";
                self.wrong(&["materials"], what);
            }
        }
        self.path.clear();
    }
}
