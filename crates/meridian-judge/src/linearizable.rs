//! Linearizability, for any object: is there one order of all calls, each at a
//! moment between its beginning and its end, in which every answer is right?
//!
//! The calls are linearized just in time (Lowe, "Testing for linearizability"):
//! what must have happened by the end of a call is tried in every order when
//! that end is seen, and configurations that came to the same are one. A call
//! of unknown outcome may happen at any later time, or never.

use std::collections::BTreeSet;

/// What a call does to an object.
pub trait Model {
    /// The object.
    type State: Clone + Ord;
    /// A call with its answer.
    type Action: PartialEq;

    /// The states that the call may leave; none when its answer is wrong.
    fn step(&self, state: &Self::State, action: &Self::Action) -> Vec<Self::State>;

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
    /// Its place when it ended; nothing when that is unknown.
    pub ends: Option<u64>,
}

/// A state, and the open calls that have happened in it.
type Configuration<S> = (S, BTreeSet<usize>);

/// Finds the first call that no order explains, by its index.
pub fn first_unexplained<M: Model>(
    model: &M,
    initial: M::State,
    calls: &[Interval<M::Action>],
) -> Option<usize> {
    let mut moments: Vec<(u64, bool, usize)> = Vec::with_capacity(calls.len() * 2);
    for (index, call) in calls.iter().enumerate() {
        moments.push((call.begins, false, index));
        moments.extend(call.ends.map(|ends| (ends, true, index)));
    }
    // What begins when something else ends is concurrent with it.
    moments.sort_unstable();
    let mut open: BTreeSet<usize> = BTreeSet::new();
    let mut possible: BTreeSet<Configuration<M::State>> =
        BTreeSet::from([(initial, BTreeSet::new())]);
    for (_, is_end, index) in moments {
        if !is_end {
            open.insert(index);
            continue;
        }
        let reached = happen_by_now(model, calls, &open, possible, index);
        if reached.is_empty() {
            return Some(index);
        }
        open.remove(&index);
        possible = without_dominated(calls, reached);
    }
    None
}

/// Every configuration in which this call has happened, and is then forgotten.
fn happen_by_now<M: Model>(
    model: &M,
    calls: &[Interval<M::Action>],
    open: &BTreeSet<usize>,
    possible: BTreeSet<Configuration<M::State>>,
    wanted: usize,
) -> BTreeSet<Configuration<M::State>> {
    let mut reached = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut left: Vec<Configuration<M::State>> = possible.into_iter().collect();
    while let Some((state, mut happened)) = left.pop() {
        for index in open {
            let action = &calls[*index].action;
            if model.is_read(action) && !model.step(&state, action).is_empty() {
                happened.insert(*index);
            }
        }
        if happened.contains(&wanted) {
            happened.remove(&wanted);
            reached.insert((state, happened));
            continue;
        }
        if !seen.insert((state.clone(), happened.clone())) {
            continue;
        }
        for index in open {
            let action = &calls[*index].action;
            if happened.contains(index) || model.is_read(action) {
                continue;
            }
            // Of equal calls of unknown outcome the first can be any other.
            let is_earlier = |other: &&usize| {
                let it = &calls[**other];
                it.ends.is_none() && it.action == *action && !happened.contains(other)
            };
            if calls[*index].ends.is_none() && open.range(..index).any(|it| is_earlier(&it)) {
                continue;
            }
            for next in model.step(&state, action) {
                let mut then = happened.clone();
                then.insert(*index);
                left.push((next, then));
            }
        }
    }
    reached
}

/// Of two configurations in one state that differ only by calls of unknown
/// outcome, the one in which fewer have happened can become all that the other
/// can.
fn without_dominated<A, S: Clone + Ord>(
    calls: &[Interval<A>],
    reached: BTreeSet<Configuration<S>>,
) -> BTreeSet<Configuration<S>> {
    let parts = |happened: &BTreeSet<usize>| -> (BTreeSet<usize>, BTreeSet<usize>) {
        happened
            .iter()
            .partition(|index| calls[**index].ends.is_none())
    };
    let mut kept: BTreeSet<Configuration<S>> = BTreeSet::new();
    for (state, happened) in &reached {
        let (unknown, known) = parts(happened);
        let dominated = reached.iter().any(|(other_state, other)| {
            let (other_unknown, other_known) = parts(other);
            other_state == state
                && other != happened
                && other_known == known
                && other_unknown.is_subset(&unknown)
        });
        if !dominated {
            kept.insert((state.clone(), happened.clone()));
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{RngCore, SeedableRng};

    /// A register that holds a number.
    struct Register;

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Act {
        Write(u32),
        Read(u32),
    }

    impl Model for Register {
        type State = u32;
        type Action = Act;

        fn step(&self, state: &u32, action: &Act) -> Vec<u32> {
            match action {
                Act::Write(value) => vec![*value],
                Act::Read(value) if value == state => vec![*state],
                Act::Read(_) => Vec::new(),
            }
        }

        fn is_read(&self, action: &Act) -> bool {
            matches!(action, Act::Read(_))
        }
    }

    fn call(action: Act, begins: u64, ends: impl Into<Option<u64>>) -> Interval<Act> {
        Interval {
            action,
            begins,
            ends: ends.into(),
        }
    }

    fn first_bad(calls: &[Interval<Act>]) -> Option<usize> {
        first_unexplained(&Register, 0, calls)
    }

    #[test]
    fn a_read_may_see_a_write_that_runs_at_the_same_time_or_not() {
        for seen in [0, 1] {
            let calls = [call(Act::Write(1), 0, 10), call(Act::Read(seen), 5, 6)];
            assert_eq!(first_bad(&calls), None);
        }
    }

    #[test]
    fn a_read_that_misses_an_earlier_write_is_found() {
        let calls = [call(Act::Write(1), 0, 1), call(Act::Read(0), 2, 3)];
        assert_eq!(first_bad(&calls), Some(1));
    }

    #[test]
    fn a_value_once_seen_is_not_unseen() {
        let calls = [
            call(Act::Write(1), 0, 10),
            call(Act::Read(1), 2, 3),
            call(Act::Read(0), 4, 5),
        ];
        assert_eq!(first_bad(&calls), Some(2));
    }

    #[test]
    fn a_slow_read_may_have_seen_what_was_there_when_it_began() {
        let calls = [
            call(Act::Read(0), 0, 9),
            call(Act::Write(1), 1, 2),
            call(Act::Read(1), 3, 4),
        ];
        assert_eq!(first_bad(&calls), None);
    }

    #[test]
    fn an_unknown_write_may_happen_late_or_never_and_only_once() {
        let unknown = call(Act::Write(1), 0, None);
        let read = |value, at| call(Act::Read(value), at, at + 1);
        assert_eq!(first_bad(&[unknown.clone(), read(0, 5), read(0, 9)]), None);
        assert_eq!(first_bad(&[unknown.clone(), read(0, 5), read(1, 9)]), None);
        let write = call(Act::Write(2), 20, 21);
        let twice = [unknown, read(1, 5), write, read(2, 30), read(1, 40)];
        assert_eq!(first_bad(&twice), Some(4));
    }

    #[test]
    fn many_unknown_writes_do_not_multiply() {
        let mut calls: Vec<_> = (1..=40).map(|it| call(Act::Write(it), 0, None)).collect();
        calls.extend((0..100).map(|at| call(Act::Read(0), 10 + at * 2, 11 + at * 2)));
        assert_eq!(first_bad(&calls), None);
    }

    /// Calls of several clients on one register, each happening at some moment
    /// between its beginning and its end; one of 400 ends unknown.
    fn honest(seed: u64, calls: usize) -> Vec<Interval<Act>> {
        let mut dice = ChaCha8Rng::seed_from_u64(seed);
        let mut below = |limit: u64| dice.next_u64() % limit;
        let mut free_at = [0u64; 6];
        let mut happens: Vec<(u64, usize, u64)> = Vec::new();
        for _ in 0..calls {
            let client = below(free_at.len() as u64) as usize;
            let begins = free_at[client] + below(30);
            let at = begins + 1 + below(20);
            free_at[client] = at + 1 + below(20);
            happens.push((at, client, begins));
        }
        happens.sort_unstable();
        let mut value = 0;
        let happen = |(number, (at, _, begins)): (usize, &(u64, usize, u64))| {
            let action = if below(2) == 0 {
                value = number as u32;
                Act::Write(value)
            } else {
                Act::Read(value)
            };
            let ends = (below(400) != 0).then_some(at + 1 + below(15));
            Interval {
                action,
                begins: *begins,
                ends,
            }
        };
        happens.iter().enumerate().map(happen).collect()
    }

    #[test]
    fn ten_thousand_honest_calls_are_explained() {
        for seed in 0..10 {
            assert_eq!(first_bad(&honest(seed, 1000)), None, "seed {seed}");
        }
    }

    #[test]
    fn one_wrong_answer_among_many_is_found() {
        for seed in 0..20 {
            let mut calls = honest(seed, 500);
            let is_read =
                |it: &Interval<Act>| matches!(it.action, Act::Read(_)) && it.ends.is_some();
            let late = calls.iter().rposition(is_read).unwrap();
            calls[late].action = Act::Read(u32::MAX);
            assert_eq!(first_bad(&calls), Some(late), "seed {seed}");
        }
    }
}
