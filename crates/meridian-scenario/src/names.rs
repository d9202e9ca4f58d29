//! The names that a scenario defines, and what is known about each.

use std::collections::{BTreeMap, BTreeSet};

use crate::action::Action;
use crate::call::{Call, KeyName};
use crate::scenario::Scenario;

/// Names of one scenario.
pub(crate) struct Names<'a> {
    pub(crate) regions: BTreeSet<&'a str>,
    pub(crate) keys: BTreeSet<&'a str>,
    pub(crate) ciphertexts: BTreeSet<&'a str>,
    pub(crate) grants: BTreeSet<&'a str>,
    /// Steps by name, with their place in the timeline.
    pub(crate) steps: BTreeMap<&'a str, usize>,
    /// IDs of faults.
    pub(crate) faults: BTreeSet<&'a str>,
}

impl<'a> Names<'a> {
    /// Of this scenario.
    pub(crate) fn of(scenario: &'a Scenario) -> Names<'a> {
        let mut names = Names {
            regions: scenario
                .topology
                .regions
                .iter()
                .map(String::as_str)
                .collect(),
            keys: scenario.keys.iter().map(|key| key.name.as_str()).collect(),
            ciphertexts: BTreeSet::new(),
            grants: BTreeSet::new(),
            steps: BTreeMap::new(),
            faults: BTreeSet::new(),
        };
        for (index, step) in scenario.timeline.iter().enumerate() {
            names.steps.entry(&step.name).or_insert(index);
            match &step.action {
                Action::Call { call, .. } => names.defined_by(call),
                Action::Fault { fault, .. } => {
                    names.faults.insert(&fault.id);
                }
                Action::Heal(_) | Action::Advance(_) | Action::Holds(_) | Action::Probe(_) => {}
            }
        }
        names
    }

    /// Takes these for names of everything but regions, whatever they are.
    pub(crate) fn allow(&mut self, words: &'a BTreeSet<String>) {
        for word in words.iter().map(String::as_str) {
            self.keys.insert(word);
            self.ciphertexts.insert(word);
            self.grants.insert(word);
            self.faults.insert(word);
            self.steps.entry(word).or_insert(usize::MAX);
        }
    }

    fn defined_by(&mut self, call: &'a Call) {
        match call {
            Call::Create { key, .. } => self.keys.insert(key),
            Call::Encrypt { ciphertext, .. } => self.ciphertexts.insert(ciphertext),
            Call::Grant { grant, .. } => self.grants.insert(grant),
            _ => false,
        };
    }

    pub(crate) fn region(&self, name: &str) -> Result<(), String> {
        known("region of the topology", name, self.regions.iter())
    }

    pub(crate) fn key(&self, name: &str) -> Result<(), String> {
        match KeyName::of(name) {
            KeyName::Alias(_) => Ok(()),
            KeyName::Id(key) => known("key", key, self.keys.iter()),
            KeyName::Arn { key, region } => {
                known("key", key, self.keys.iter())?;
                self.region(region)
            }
        }
    }

    pub(crate) fn ciphertext(&self, name: &str) -> Result<(), String> {
        known("ciphertext", name, self.ciphertexts.iter())
    }

    pub(crate) fn grant(&self, name: &str) -> Result<(), String> {
        known("grant", name, self.grants.iter())
    }

    pub(crate) fn step(&self, name: &str) -> Result<(), String> {
        known("step", name, self.steps.keys())
    }

    pub(crate) fn fault(&self, id: &str) -> Result<(), String> {
        known("fault", id, self.faults.iter())
    }
}

/// Names of one kind that a mistake lists, at most.
const LISTED_MAX: usize = 12;

/// Is the name one of these? If not, says which there are.
pub(crate) fn known<'n>(
    what: &str,
    name: &str,
    names: impl Iterator<Item = &'n &'n str>,
) -> Result<(), String> {
    let names: Vec<&str> = names.copied().collect();
    if names.contains(&name) {
        return Ok(());
    }
    match names.as_slice() {
        [] => Err(format!("{name:?} is no {what}; there is none")),
        some if some.len() <= LISTED_MAX => {
            let list = some.join(", ");
            Err(format!("{name:?} is no {what}; there is {list}"))
        }
        _ => Err(format!("{name:?} is no {what}")),
    }
}
