//! Consistency: the management calls of one region are linearizable for each
//! key, as strong reads promise.
//!
//! A key here is its description, the last word of EnableKey and DisableKey,
//! and whether its deletion is scheduled. What other regions and time do to it
//! hides these and does not change them. A read that may be answered from an
//! older view may happen as early as that view was the newest.

use std::collections::{BTreeMap, BTreeSet};

use meridian_kms::{KeyRef, Operation};

use crate::history::{Invoked, Returned, Seen};
use crate::key_model::{Action, Descriptions, KeyModel};
use crate::linearizable::{Ends, Interval, first_unexplained};
use crate::sighting::Sighting;
use crate::verdict::{Bench, Kept, Objection, Promise};

/// Calls of each key in each region.
#[derive(Default)]
pub struct Consistency {
    /// Calls that have not ended, and the moment they began.
    open: BTreeMap<u64, (Invoked, u64)>,
    calls: BTreeMap<(usize, KeyRef), Vec<Interval<Action>>>,
    alive: BTreeSet<(usize, KeyRef)>,
    moment: u64,
    /// The first moment of each time that something was seen at.
    times: Vec<(i64, u64)>,
}

const UNKNOWN: Ends = Ends::Unknown {
    shown_until: u64::MAX,
};

impl Promise for Consistency {
    fn name(&self) -> &'static str {
        "linearizable per key"
    }

    fn see(&mut self, seen: &Seen, _: Option<&Sighting>, bench: &mut Bench<'_>) -> Kept {
        self.moment += 1;
        if self.times.last().is_none_or(|(ms, _)| *ms < bench.now_ms) {
            self.times.push((bench.now_ms, self.moment));
        }
        match seen {
            Seen::Invoke(call) if matters(call.operation) => {
                let begins = call.as_of_ms.map(|ms| self.moment_at(ms));
                let begins = begins.unwrap_or(self.moment);
                self.open.insert(call.call, (call.clone(), begins));
            }
            Seen::Ok(returned) => {
                if let Some((call, begins)) = self.open.remove(&returned.call) {
                    self.add(&call, Some(returned), begins, Ends::At(self.moment));
                }
            }
            Seen::Fail { call, .. } => {
                self.open.remove(call);
            }
            Seen::Unknown { call, .. } => {
                if let Some((call, begins)) = self.open.remove(call) {
                    self.add(&call, None, begins, UNKNOWN);
                }
            }
            Seen::Saw { region, key, .. } => {
                self.saw((*region, key.key), &key.description);
            }
            Seen::Gone { region, key, .. } => {
                self.alive.remove(&(*region, *key));
                self.begin((*region, *key), "");
            }
            Seen::Healed { .. } => return self.judge(bench),
            _ => {}
        }
        Ok(())
    }
}

impl Consistency {
    /// The first moment that is not before this time.
    fn moment_at(&self, ms: i64) -> u64 {
        let index = self.times.partition_point(|(at_ms, _)| *at_ms < ms);
        self.times
            .get(index)
            .map_or(self.moment, |(_, moment)| *moment)
    }

    /// A key that was not there before has come into being.
    fn saw(&mut self, place: (usize, KeyRef), description: &str) {
        if self.alive.insert(place) {
            self.begin(place, description);
        }
    }

    fn begin(&mut self, place: (usize, KeyRef), description: &str) {
        let calls = self.calls.entry(place).or_default();
        calls.push(Interval {
            action: Action::Begin(description.to_owned()),
            begins: self.moment,
            ends: Ends::At(self.moment),
        });
    }

    fn add(&mut self, call: &Invoked, returned: Option<&Returned>, begins: u64, ends: Ends) {
        let Some((key, action)) = call.key.zip(action(call, returned)) else {
            return;
        };
        let calls = self.calls.entry((call.region, key)).or_default();
        calls.push(Interval {
            action,
            begins,
            ends,
        });
    }

    fn judge(&mut self, bench: &mut Bench<'_>) -> Kept {
        for (call, begins) in std::mem::take(&mut self.open).into_values() {
            self.add(&call, None, begins, UNKNOWN);
        }
        for ((region, key), calls) in &self.calls {
            bench.looked("linearizable per key");
            let descriptions = Descriptions::of(calls);
            let steps = calls.iter().enumerate();
            let steps = steps.filter_map(|(index, call)| Some((index, descriptions.step(call)?)));
            let (places, steps): (Vec<usize>, Vec<_>) = steps.unzip();
            if let Some(index) = first_unexplained(&KeyModel, descriptions.initial(), &steps) {
                let what = format!(
                    "no order explains {:?} of {key} in {}",
                    calls[places[index]].action,
                    bench.name(*region)
                );
                return Err(Objection::from(what).about(*key, [*region]));
            }
        }
        Ok(())
    }
}

/// Does an operation say anything about the key, whatever it answers?
fn matters(operation: Operation) -> bool {
    matches!(
        operation,
        Operation::DescribeKey
            | Operation::UpdateKeyDescription
            | Operation::EnableKey
            | Operation::DisableKey
            | Operation::ScheduleKeyDeletion
            | Operation::CancelKeyDeletion
            | Operation::ImportKeyMaterial
    )
}

/// What a call did to its key; nothing for one that says nothing about it.
fn action(call: &Invoked, returned: Option<&Returned>) -> Option<Action> {
    Some(match call.operation {
        Operation::DescribeKey => {
            let returned = returned?;
            Action::Describe {
                description: returned.description.clone().unwrap_or_default(),
                state: returned.state.clone()?,
            }
        }
        Operation::UpdateKeyDescription => {
            Action::UpdateDescription(call.description.clone().unwrap_or_default())
        }
        Operation::EnableKey => Action::Enable,
        Operation::DisableKey => Action::Disable,
        Operation::ScheduleKeyDeletion => Action::Schedule,
        Operation::CancelKeyDeletion => Action::Cancel,
        Operation::ImportKeyMaterial => Action::Import,
        _ => return None,
    })
}
