//! Linearizability, for any object: is there one order of all calls, each at a
//! moment between its beginning and its end, in which every answer is right?
//!
//! The calls are linearized just in time (Lowe, "Testing for linearizability"):
//! what must have happened by the end of a call is tried in every order when
//! that end is seen, and configurations that came to the same are one. A call
//! of unknown outcome may happen at any later time, or never; of equal ones only
//! the number counts, and one that nothing can show any more is forgotten.

use std::collections::BTreeMap;

use crate::happened::Happened;

/// What a call does to an object.
pub trait Model {
    /// The object.
    type State: Clone + Ord;
    /// A call with its answer.
    type Action: PartialEq;

    /// The states that the call may leave; none when its answer is wrong.
    fn step(&self, state: &Self::State, action: &Self::Action)
    -> impl Iterator<Item = Self::State>;

    /// Never changes the object, so that it can happen as early as possible.
    fn is_read(&self, action: &Self::Action) -> bool;
}

/// One call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interval<A> {
    /// What it did.
    pub action: A,
    /// Its place in the history when it began.
    pub begins: u64,
    /// Its place when it ended, if it is known that it happened.
    pub ends: Ends,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// It has happened by this place.
    At(u64),
    /// Nobody knows whether it happens.
    Unknown {
        /// After this place no answer shows whether it has happened. Equal calls
        /// have the same.
        shown_until: u64,
    },
}

/// What may have come of everything so far.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Configuration<S> {
    state: S,
    happened: Happened,
    used: Used,
}

/// How many calls of unknown outcome have happened, by the number of their
/// kind, in order.
type Used = Vec<(usize, u32)>;

/// Equal calls of unknown outcome.
struct Unknown<'a, A> {
    action: &'a A,
    /// How many have begun.
    begun: u32,
}

/// What can happen at one moment.
struct Open<'a, A> {
    calls: &'a [Interval<A>],
    /// Calls that have begun and not ended, and will, each in a place of its own
    /// for as long.
    known: Vec<Option<usize>>,
    unknown: BTreeMap<usize, Unknown<'a, A>>,
    kinds: usize,
}

/// What happens at a place of the history, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Moment {
    // What begins when something else ends is concurrent with it.
    Begins,
    Ends,
    ShownNoMore,
}

/// Finds the first call that no order explains, by its index.
pub fn first_unexplained<M: Model>(
    model: &M,
    initial: M::State,
    calls: &[Interval<M::Action>],
) -> Option<usize> {
    let mut moments: Vec<(u64, Moment, usize)> = Vec::with_capacity(calls.len() * 2);
    for (index, call) in calls.iter().enumerate() {
        let (at, moment) = match call.ends {
            Ends::At(ends) => (ends, Moment::Ends),
            // It says nothing.
            Ends::Unknown { .. } if model.is_read(&call.action) => continue,
            Ends::Unknown { shown_until } => (shown_until, Moment::ShownNoMore),
        };
        moments.push((call.begins, Moment::Begins, index));
        moments.push((at, moment, index));
    }
    moments.sort_unstable();
    let mut open = Open {
        calls,
        known: Vec::new(),
        unknown: BTreeMap::new(),
        kinds: 0,
    };
    let mut possible = vec![Configuration {
        state: initial,
        happened: Happened::default(),
        used: Used::new(),
    }];
    for (_, moment, index) in moments {
        match moment {
            Moment::Begins => open.begins(index),
            Moment::Ends => {
                let place = open.known.iter().position(|it| *it == Some(index));
                let place = place.expect("a call begins before it ends");
                possible = open.happen_by_now(model, possible, place);
                if possible.is_empty() {
                    return Some(index);
                }
                open.known[place] = None;
            }
            Moment::ShownNoMore => {
                if let Some(kind) = open.forget(index) {
                    for it in &mut possible {
                        it.used.retain(|(used, _)| *used != kind);
                    }
                }
            }
        }
    }
    None
}

impl<A: PartialEq> Open<'_, A> {
    fn begins(&mut self, index: usize) {
        let call = &self.calls[index];
        if let Ends::At(_) = call.ends {
            match self.known.iter().position(Option::is_none) {
                Some(free) => self.known[free] = Some(index),
                None => self.known.push(Some(index)),
            }
            return;
        }
        let mut kinds = self.unknown.values_mut();
        if let Some(kind) = kinds.find(|it| *it.action == call.action) {
            kind.begun += 1;
            return;
        }
        let kind = Unknown {
            action: &call.action,
            begun: 1,
        };
        self.unknown.insert(self.kinds, kind);
        self.kinds += 1;
    }

    /// Forgets the kind of a call of unknown outcome, if it was not yet.
    fn forget(&mut self, index: usize) -> Option<usize> {
        let action = &self.calls[index].action;
        let mut kinds = self.unknown.iter();
        let kind = kinds
            .find(|(_, it)| it.action == action)
            .map(|(kind, _)| *kind)?;
        self.unknown.remove(&kind);
        Some(kind)
    }

    /// Every configuration in which the call at this place has happened, and is
    /// then forgotten.
    fn happen_by_now<M: Model<Action = A>>(
        &self,
        model: &M,
        possible: Vec<Configuration<M::State>>,
        wanted: usize,
    ) -> Vec<Configuration<M::State>> {
        let mut reached = Best::default();
        let mut seen = Best::default();
        let mut left = possible;
        // Those in which more of unknown outcome has happened come later: most
        // of them are no better than one before.
        let mut later = Vec::new();
        let known = self.known.iter().enumerate();
        let known = known.filter_map(|(place, index)| Some((place, (*index)?)));
        let is_read = |(_, index): &(usize, usize)| model.is_read(&self.calls[*index].action);
        let (reads, writes): (Vec<_>, Vec<_>) = known.partition(is_read);
        let writes: Vec<(usize, usize, Happened)> = writes
            .iter()
            .map(|(place, index)| (*place, *index, self.equal_and_first_to_end(*index, &writes)))
            .collect();
        loop {
            let Some(mut it) = left.pop() else {
                std::mem::swap(&mut left, &mut later);
                if left.is_empty() {
                    return reached.into_all();
                }
                continue;
            };
            for (place, index) in &reads {
                let action = &self.calls[*index].action;
                if model.step(&it.state, action).next().is_some() {
                    it.happened.insert(*place);
                }
            }
            if it.happened.remove(wanted) {
                reached.add(it);
                continue;
            }
            if !seen.add(it.clone()) {
                continue;
            }
            for (place, index, first) in &writes {
                if it.happened.contains(*place) || !first.is_within(&it.happened) {
                    continue;
                }
                let action = &self.calls[*index].action;
                for state in model.step(&it.state, action) {
                    let mut next = Configuration {
                        state,
                        ..it.clone()
                    };
                    next.happened.insert(*place);
                    left.push(next);
                }
            }
            for (kind, unknown) in &self.unknown {
                let place = it.used.binary_search_by_key(kind, |(kind, _)| *kind);
                if place.is_ok_and(|place| it.used[place].1 == unknown.begun) {
                    continue;
                }
                let states = model.step(&it.state, unknown.action);
                for state in states.filter(|state| *state != it.state) {
                    let mut next = Configuration {
                        state,
                        ..it.clone()
                    };
                    match place {
                        Ok(place) => next.used[place].1 += 1,
                        Err(place) => next.used.insert(place, (*kind, 1)),
                    }
                    later.push(next);
                }
            }
        }
    }

    /// Equal calls that end before this one: they could change places, so they
    /// happen in the order of their ends.
    fn equal_and_first_to_end(&self, index: usize, writes: &[(usize, usize)]) -> Happened {
        let order = |index: usize| match self.calls[index].ends {
            Ends::At(ends) => (ends, index),
            Ends::Unknown { .. } => (u64::MAX, index),
        };
        let action = &self.calls[index].action;
        let mut before = Happened::default();
        for (place, other) in writes {
            if order(*other) < order(index) && self.calls[*other].action == *action {
                before.insert(*place);
            }
        }
        before
    }
}

/// Configurations of which none is better than another: of two that differ only
/// by calls of unknown outcome, the one in which fewer have happened can become
/// all that the other can.
struct Best<S>(BTreeMap<(S, Happened), Vec<Used>>);

impl<S> Default for Best<S> {
    fn default() -> Best<S> {
        Best(BTreeMap::new())
    }
}

impl<S: Clone + Ord> Best<S> {
    /// Adds one, unless another is at least as good.
    fn add(&mut self, it: Configuration<S>) -> bool {
        let others = self.0.entry((it.state, it.happened)).or_default();
        if others.iter().any(|other| is_within(other, &it.used)) {
            return false;
        }
        others.retain(|other| !is_within(&it.used, other));
        others.push(it.used);
        true
    }

    fn into_all(self) -> Vec<Configuration<S>> {
        let each = |((state, happened), all): ((S, Happened), Vec<Used>)| {
            all.into_iter().map(move |used| Configuration {
                state: state.clone(),
                happened: happened.clone(),
                used,
            })
        };
        self.0.into_iter().flat_map(each).collect()
    }
}

/// Has no more happened of any kind?
fn is_within(fewer: &Used, more: &Used) -> bool {
    fewer.iter().all(|(kind, used)| {
        let place = more.binary_search_by_key(kind, |(kind, _)| *kind);
        place.is_ok_and(|place| *used <= more[place].1)
    })
}

#[cfg(test)]
mod tests;
