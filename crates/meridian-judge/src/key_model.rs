//! A key as its own region's management calls see it: its description, the last
//! word of EnableKey and DisableKey, and whether its deletion is scheduled.

use std::collections::BTreeMap;

use crate::linearizable::{Ends, Interval, Model};

/// What a call did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
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

/// Descriptions by number; one that nobody saw is like any other such.
pub(crate) struct Descriptions<'a> {
    /// The number, and until when somebody saw it.
    shown: BTreeMap<&'a str, (usize, u64)>,
}

/// The number of a description.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Description(Option<usize>);

/// The same as [`Action`], with numbers for words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Describe(Description, Shown),
    UpdateDescription(Description),
    Enable,
    Disable,
    Schedule,
    Cancel,
    Import,
    Begin(Description),
}

/// What a key state says of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    Deletion,
    Enabled,
    Disabled,
    /// Neither of them can be told.
    Other,
}

/// The part of a key that only calls of its own region change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Object {
    description: Description,
    enabled: bool,
    deletion: bool,
}

pub(crate) struct KeyModel;

impl<'a> Descriptions<'a> {
    /// Of these calls of one key.
    pub(crate) fn of(calls: &'a [Interval<Action>]) -> Descriptions<'a> {
        let mut shown: BTreeMap<&str, (usize, u64)> = BTreeMap::new();
        for call in calls {
            if let (Action::Describe { description, .. }, Ends::At(ends)) =
                (&call.action, call.ends)
            {
                let number = shown.len();
                let (_, until) = shown.entry(description).or_insert((number, ends));
                *until = ends.max(*until);
            }
        }
        Descriptions { shown }
    }

    /// A key as it begins.
    pub(crate) fn initial(&self) -> Object {
        Object {
            description: self.number(""),
            enabled: true,
            deletion: false,
        }
    }

    /// The same call, in numbers. One of unknown outcome that sets a description
    /// is known until when that is seen; if it never is, the call explains
    /// nothing and is nothing.
    pub(crate) fn step(&self, call: &Interval<Action>) -> Option<Interval<Step>> {
        let ends = match (&call.action, call.ends) {
            (Action::UpdateDescription(text), Ends::Unknown { .. }) => Ends::Unknown {
                shown_until: self.shown.get(text.as_str())?.1,
            },
            (_, ends) => ends,
        };
        let action = match &call.action {
            Action::Describe { description, state } => {
                Step::Describe(self.number(description), shown(state))
            }
            Action::UpdateDescription(text) => Step::UpdateDescription(self.number(text)),
            Action::Enable => Step::Enable,
            Action::Disable => Step::Disable,
            Action::Schedule => Step::Schedule,
            Action::Cancel => Step::Cancel,
            Action::Import => Step::Import,
            Action::Begin(text) => Step::Begin(self.number(text)),
        };
        Some(Interval {
            action,
            begins: call.begins,
            ends,
        })
    }

    fn number(&self, text: &str) -> Description {
        Description(self.shown.get(text).map(|(number, _)| *number))
    }
}

impl Model for KeyModel {
    type State = Object;
    type Action = Step;

    fn step(&self, state: &Object, action: &Step) -> impl Iterator<Item = Object> {
        let same = *state;
        let (one, other) = match action {
            Step::Begin(description) => {
                let begun = Object {
                    description: *description,
                    enabled: true,
                    deletion: false,
                };
                (Some(begun), None)
            }
            Step::Describe(description, shown) => {
                let right = *description == state.description && state.shows(*shown);
                (right.then_some(same), None)
            }
            Step::Cancel => {
                let cancelled = Object {
                    deletion: false,
                    enabled: false,
                    ..same
                };
                (state.deletion.then_some(cancelled), None)
            }
            _ if state.deletion => (None, None),
            Step::UpdateDescription(description) => {
                let description = *description;
                let updated = Object {
                    description,
                    ..same
                };
                (Some(updated), None)
            }
            Step::Enable => (Some(same.with_enabled(true)), None),
            Step::Disable => (Some(same.with_enabled(false)), None),
            Step::Schedule => {
                let deletion = true;
                (Some(Object { deletion, ..same }), None)
            }
            // An import that completes the key enables it.
            Step::Import => (Some(same), Some(same.with_enabled(true))),
        };
        one.into_iter().chain(other)
    }

    fn is_read(&self, action: &Step) -> bool {
        matches!(action, Step::Describe(..))
    }
}

impl Object {
    fn with_enabled(self, enabled: bool) -> Object {
        Object { enabled, ..self }
    }

    /// Can a key be shown like this?
    fn shows(&self, shown: Shown) -> bool {
        match shown {
            Shown::Deletion => self.deletion,
            Shown::Enabled => !self.deletion && self.enabled,
            Shown::Disabled => !self.deletion && !self.enabled,
            Shown::Other => !self.deletion,
        }
    }
}

fn shown(state: &str) -> Shown {
    match state {
        "PendingDeletion" | "PendingReplicaDeletion" => Shown::Deletion,
        "Enabled" => Shown::Enabled,
        "Disabled" => Shown::Disabled,
        _ => Shown::Other,
    }
}
