//! Coverage: how often each fault began and struck, how often each operation
//! ran, and under which faults.

use std::collections::BTreeMap;

use meridian_chaos::{Fault, Kind};
use meridian_kms::Operation;

const KINDS: usize = Kind::NAMES.len();

/// How operations of one kind ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// Succeeded.
    pub ok: u64,
    /// Failed definitely.
    pub failed: u64,
    /// Ended in a way that the client does not know.
    pub unknown: u64,
}

/// What a run, or many, went through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Faults that began, by kind.
    pub began: [u64; KINDS],
    /// Faults that had an effect on something, by kind.
    pub struck: [u64; KINDS],
    /// Calls that each fault at the front door was asked about, by its ID.
    pub turns: BTreeMap<String, u64>,
    /// Effects that each fault of a run had, by its ID.
    pub strikes: BTreeMap<String, u64>,
    /// The most faults that were active at once.
    pub at_once_max: u64,
    /// Operations by how they ended.
    pub ends: BTreeMap<Operation, Ends>,
    /// Operations that began while a kind of fault was active anywhere.
    pub under: BTreeMap<Operation, [u64; KINDS]>,
}

impl Coverage {
    /// A fault is asked about one more call.
    pub fn turn(&mut self, fault: &str) -> u64 {
        let turns = self.turns.entry(fault.to_owned()).or_default();
        *turns += 1;
        *turns
    }

    /// A fault has had an effect.
    pub fn struck(&mut self, kind: &Kind) {
        self.struck[kind.number()] += 1;
    }

    /// This fault has had an effect.
    pub fn struck_by(&mut self, fault: &Fault) {
        self.struck(&fault.kind);
        match self.strikes.get_mut(&fault.id) {
            Some(strikes) => *strikes += 1,
            None => drop(self.strikes.insert(fault.id.clone(), 1)),
        }
    }

    /// An operation begins under these faults.
    pub fn begins<'a>(&mut self, operation: Operation, kinds: impl Iterator<Item = &'a Kind>) {
        let mut active = [false; KINDS];
        let mut at_once = 0;
        for kind in kinds {
            active[kind.number()] = true;
            at_once += 1;
        }
        self.at_once_max = self.at_once_max.max(at_once);
        let under = self.under.entry(operation).or_default();
        for (count, active) in under.iter_mut().zip(active) {
            *count += u64::from(active);
        }
    }

    /// Each kind of fault: how often it began, and how often it struck.
    pub fn faults(&self) -> impl Iterator<Item = (&'static str, u64, u64)> {
        let names = Kind::NAMES.iter().enumerate();
        names.map(|(number, name)| (*name, self.began[number], self.struck[number]))
    }

    /// How many kinds of fault were active when an operation began.
    pub fn kinds_met(&self, operation: Operation) -> usize {
        let under = self.under.get(&operation);
        under.map_or(0, |under| under.iter().filter(|times| **times > 0).count())
    }

    /// How often an operation began while a kind of fault was active, by kind.
    pub fn under(&self, operation: Operation) -> BTreeMap<&'static str, u64> {
        let under = self.under.get(&operation).copied().unwrap_or_default();
        Kind::NAMES.into_iter().zip(under).collect()
    }

    /// Adds what another run went through.
    pub fn add(&mut self, other: &Coverage) {
        let sum = |all: &mut [u64; KINDS], more: &[u64; KINDS]| {
            for (count, more) in all.iter_mut().zip(more) {
                *count += more;
            }
        };
        sum(&mut self.began, &other.began);
        sum(&mut self.struck, &other.struck);
        self.at_once_max = self.at_once_max.max(other.at_once_max);
        for (operation, more) in &other.ends {
            let ends = self.ends.entry(*operation).or_default();
            ends.ok += more.ok;
            ends.failed += more.failed;
            ends.unknown += more.unknown;
        }
        for (operation, more) in &other.under {
            sum(self.under.entry(*operation).or_default(), more);
        }
    }
}
