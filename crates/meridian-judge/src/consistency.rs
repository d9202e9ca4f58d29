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
use crate::linearizable::{Interval, Model, first_unexplained};
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

/// What a call did.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Action {
    Describe {
        description: String,
        state: String,
    },
    UpdateDescription(String),
    Enable,
    Disable,
    Schedule,
    Cancel,
    Import,
    /// The key came into being with this description, or was deleted.
    Begin(String),
}

/// The part of a key that only calls of its own region change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Object {
    description: String,
    enabled: bool,
    deletion: bool,
}

struct KeyModel;

impl Model for KeyModel {
    type State = Object;
    type Action = Action;

    fn step(&self, state: &Object, action: &Action) -> Vec<Object> {
        let with = |change: &dyn Fn(&mut Object)| {
            let mut next = state.clone();
            change(&mut next);
            vec![next]
        };
        match action {
            Action::Begin(description) => vec![Object {
                description: description.clone(),
                ..Object::default()
            }],
            Action::Describe {
                description,
                state: name,
            } => {
                let right = *description == state.description && shows(name, state);
                if right {
                    vec![state.clone()]
                } else {
                    Vec::new()
                }
            }
            Action::Cancel if state.deletion => with(&|it| {
                it.deletion = false;
                it.enabled = false;
            }),
            Action::Cancel => Vec::new(),
            _ if state.deletion => Vec::new(),
            Action::UpdateDescription(text) => with(&|it| it.description = text.clone()),
            Action::Enable => with(&|it| it.enabled = true),
            Action::Disable => with(&|it| it.enabled = false),
            Action::Schedule => with(&|it| it.deletion = true),
            Action::Import => {
                // An import that completes the key enables it.
                let mut enabled = state.clone();
                enabled.enabled = true;
                vec![state.clone(), enabled]
            }
        }
    }

    fn is_read(&self, action: &Action) -> bool {
        matches!(action, Action::Describe { .. })
    }
}

impl Default for Object {
    fn default() -> Object {
        Object {
            description: String::new(),
            enabled: true,
            deletion: false,
        }
    }
}

/// Can a key be shown in this state?
fn shows(name: &str, object: &Object) -> bool {
    match name {
        "PendingDeletion" | "PendingReplicaDeletion" => object.deletion,
        "Enabled" => !object.deletion && object.enabled,
        "Disabled" => !object.deletion && !object.enabled,
        _ => !object.deletion,
    }
}

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
            Seen::Invoke(call) => {
                let begins = call.as_of_ms.map(|ms| self.moment_at(ms));
                let begins = begins.unwrap_or(self.moment);
                self.open.insert(call.call, (call.clone(), begins));
            }
            Seen::Ok(returned) => {
                if let Some((call, begins)) = self.open.remove(&returned.call) {
                    self.add(&call, Some(returned), begins, Some(self.moment));
                }
            }
            Seen::Fail { call, .. } => {
                self.open.remove(call);
            }
            Seen::Unknown { call, .. } => {
                if let Some((call, begins)) = self.open.remove(call) {
                    self.add(&call, None, begins, None);
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
            ends: Some(self.moment),
        });
    }

    fn add(&mut self, call: &Invoked, returned: Option<&Returned>, begins: u64, ends: Option<u64>) {
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
            self.add(&call, None, begins, None);
        }
        for ((region, key), calls) in &self.calls {
            bench.looked("linearizable per key");
            let calls = &without_unseen(calls);
            if let Some(index) = first_unexplained(&KeyModel, Object::default(), calls) {
                let what = format!(
                    "no order explains {:?} of {key} in {}",
                    calls[index].action,
                    bench.name(*region)
                );
                return Err(Objection::from(what).about(*key, [*region]));
            }
        }
        Ok(())
    }
}

/// Leaves out descriptions that nobody knows to have been set and nobody saw:
/// whether they were there for a moment explains nothing, and trying it takes
/// time.
fn without_unseen(calls: &[Interval<Action>]) -> Vec<Interval<Action>> {
    let seen: BTreeSet<&str> = calls
        .iter()
        .filter_map(|call| match &call.action {
            Action::Describe { description, .. } => Some(description.as_str()),
            _ => None,
        })
        .collect();
    let matters = |call: &&Interval<Action>| match &call.action {
        Action::UpdateDescription(text) => call.ends.is_some() || seen.contains(text.as_str()),
        _ => true,
    };
    calls.iter().filter(matters).cloned().collect()
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
