//! What is linearizable and what is not, on a register.

use std::collections::BTreeSet;

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

    fn step(&self, state: &u32, action: &Act) -> impl Iterator<Item = u32> {
        let next = match action {
            Act::Write(value) => Some(*value),
            Act::Read(value) => (value == state).then_some(*state),
        };
        next.into_iter()
    }

    fn is_read(&self, action: &Act) -> bool {
        matches!(action, Act::Read(_))
    }
}

const UNKNOWN: Ends = Ends::Unknown {
    shown_until: u64::MAX,
};

fn call(action: Act, begins: u64, ends: impl Into<Option<u64>>) -> Interval<Act> {
    Interval {
        action,
        begins,
        ends: ends.into().map_or(UNKNOWN, Ends::At),
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
        call(action, *begins, ends)
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
        let is_read = |it: &Interval<Act>| matches!(it.action, Act::Read(_)) && it.ends != UNKNOWN;
        let late = calls.iter().rposition(is_read).unwrap();
        calls[late].action = Act::Read(u32::MAX);
        assert_eq!(first_bad(&calls), Some(late), "seed {seed}");
    }
}

/// Tries every order, and every choice of calls of unknown outcome.
fn explained_by_any_order(calls: &[Interval<Act>], left: &BTreeSet<usize>, value: u32) -> bool {
    let ends = |index: &usize| match calls[*index].ends {
        Ends::At(ends) => ends,
        Ends::Unknown { .. } => u64::MAX,
    };
    if left.iter().all(|index| calls[*index].ends == UNKNOWN) {
        return true;
    }
    let first_end = left.iter().map(ends).min().unwrap_or(u64::MAX);
    let mut next = left.iter().filter(|it| calls[**it].begins <= first_end);
    next.any(|index| {
        let mut rest = left.clone();
        rest.remove(index);
        let mut states = Register.step(&value, &calls[*index].action);
        states.any(|state| explained_by_any_order(calls, &rest, state))
    })
}

#[test]
fn the_answer_is_that_of_trying_every_order() {
    let (mut right, mut wrong) = (0, 0);
    for seed in 0..3_000 {
        let mut dice = ChaCha8Rng::seed_from_u64(seed);
        let mut below = |limit: u64| dice.next_u64() % limit;
        let calls: Vec<_> = (0..6)
            .map(|_| {
                let (value, begins) = (below(3) as u32, below(12));
                let action = match below(2) {
                    0 => Act::Write(value),
                    _ => Act::Read(value),
                };
                let ends = (below(4) != 0).then_some(begins + 1 + below(6));
                call(action, begins, ends)
            })
            .collect();
        let all = (0..calls.len()).collect();
        let explained = explained_by_any_order(&calls, &all, 0);
        assert_eq!(
            first_bad(&calls).is_none(),
            explained,
            "seed {seed}: {calls:?}"
        );
        match explained {
            true => right += 1,
            false => wrong += 1,
        }
    }
    assert!(right > 300 && wrong > 300, "{right} right, {wrong} wrong");
}

#[test]
fn what_nothing_shows_any_more_changes_no_answer() {
    let unknown = |value, shown_until| Interval {
        ends: Ends::Unknown { shown_until },
        ..call(Act::Write(value), 0, None)
    };
    let read = |value, at| call(Act::Read(value), at, at + 1);
    let calls = [unknown(1, 6), read(0, 2), read(1, 5), read(1, 9)];
    assert_eq!(first_bad(&calls), None);
    let calls = [unknown(1, 3), read(0, 2), read(1, 5)];
    assert_eq!(first_bad(&calls), Some(2));
}
