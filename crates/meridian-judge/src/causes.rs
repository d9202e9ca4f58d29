//! Causes: what led to the first bad event. An event leads to another when it
//! came before it in one region, or came to it by a fact that one region told
//! the other (Lamport's happened-before, of one key).

use std::collections::{BTreeMap, BTreeSet};

use meridian_kms::{KeyRef, RegionName};
use serde::Serialize;

use crate::history::{Invoked, Seen, Site};
use crate::narration::Narration;

/// Causes that are shown, at most: the last ones.
const CAUSES_MAX: usize = 30;

/// One event of the past.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cause {
    /// When, in virtual milliseconds, if it says so.
    pub at_ms: Option<i64>,
    /// Its line in the file of the history, counted from 1.
    pub line: usize,
    /// The regions that it is about, by name.
    pub regions: Vec<RegionName>,
    /// What happened, in words.
    pub what: String,
}

/// The past of one event.
pub(crate) struct Causes<'a> {
    names: &'a [RegionName],
    past: &'a [Seen],
    calls: BTreeMap<u64, &'a Invoked>,
}

impl<'a> Causes<'a> {
    /// Everything that was seen up to the event, itself included.
    pub(crate) fn new(names: &'a [RegionName], past: &'a [Seen]) -> Causes<'a> {
        let invoked = past.iter().filter_map(|seen| match seen {
            Seen::Invoke(invoked) => Some((invoked.call, invoked)),
            _ => None,
        });
        Causes {
            names,
            past,
            calls: invoked.collect(),
        }
    }

    /// What the last event goes back to, itself included, and the key that all
    /// of it is about. What is not said, the event says: its key, and the
    /// regions that it was seen in.
    pub(crate) fn of_last(
        &self,
        key: Option<KeyRef>,
        regions: &[usize],
    ) -> (Option<KeyRef>, Vec<Cause>) {
        let Some(last) = self.past.last() else {
            return (key, Vec::new());
        };
        let mut concerned: BTreeSet<usize> = regions.iter().copied().collect();
        let mut key = key;
        if concerned.is_empty() {
            concerned.extend(self.regions_of(last));
            key = key.or_else(|| self.key_of(last));
        }
        let mut chosen = Vec::new();
        for (index, seen) in self.past.iter().enumerate().rev() {
            let is_last = index + 1 == self.past.len();
            if is_last || self.leads_on(seen, key, &mut concerned) {
                chosen.push(index);
            }
            if chosen.len() == CAUSES_MAX {
                break;
            }
        }
        chosen.reverse();
        let narration = Narration::new(self.names, self.past);
        let cause = |index: usize| Cause {
            at_ms: self.past[index].at_ms(),
            line: index + 2,
            regions: self.region_names(&self.past[index]),
            what: narration.words(index),
        };
        (key, chosen.into_iter().map(cause).collect())
    }

    /// Does this lead to what was seen later in these regions? A region that
    /// told one of them is one of them from there on backwards.
    fn leads_on(&self, seen: &Seen, key: Option<KeyRef>, concerned: &mut BTreeSet<usize>) -> bool {
        let about = self.key_of(seen);
        let of_key = key.is_none() || about == key;
        match seen {
            Seen::Told { from, to, .. } => {
                let told = of_key && concerned.contains(to);
                if told {
                    concerned.insert(*from);
                }
                told
            }
            Seen::FaultBegan { site, .. } => matters(*site, concerned),
            Seen::Restarted { region, .. } => concerned.contains(region),
            Seen::FaultEnded { .. } | Seen::Healed { .. } => false,
            _ => of_key && self.regions_of(seen).any(|it| concerned.contains(&it)),
        }
    }

    /// The key that something is about.
    fn key_of(&self, seen: &Seen) -> Option<KeyRef> {
        match seen {
            Seen::Saw { key, .. } => Some(key.key),
            Seen::Gone { key, .. } | Seen::Told { key, .. } => Some(*key),
            _ => self.calls.get(&seen.call()?)?.key,
        }
    }

    /// The regions that something happened in.
    fn regions_of(&self, seen: &Seen) -> impl Iterator<Item = usize> {
        let invoked = seen.call().and_then(|call| self.calls.get(&call));
        let called = invoked.map(|invoked| invoked.region);
        // A region that a call only names takes no part in it yet.
        let own = match seen {
            Seen::Invoke(_) | Seen::Healed { .. } => None,
            _ => Some(seen.regions()),
        };
        own.into_iter().flatten().chain(called)
    }

    fn region_names(&self, seen: &Seen) -> Vec<RegionName> {
        let names = self.regions_of(seen).map(|it| self.names.get(it).cloned());
        names.flatten().collect()
    }
}

fn matters(site: Site, concerned: &BTreeSet<usize>) -> bool {
    match site {
        Site::Everywhere => true,
        Site::Region(region) => concerned.contains(&region),
        Site::Link(from, to) => concerned.contains(&from) && concerned.contains(&to),
    }
}
