//! What the clients asked and were told, and whether one order of all of it explains that.
//!
//! The log gives every write its place, so a history is linearizable exactly when each read saw a
//! beginning of its list, and no call that began after another had ended lies before it.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::chronicle::note;
use super::judge::check;
use super::machine::Lists;

thread_local! {
    static HISTORY: RefCell<History> = RefCell::default();
}

#[derive(Default)]
struct History {
    /// Counts beginnings and ends of calls, in their order.
    moments: usize,
    calls: Vec<Call>,
}

/// One call of a client, with all its attempts.
struct Call {
    key: u8,
    what: What,
    began: usize,
    ended: Option<usize>,
    outcome: Outcome,
}

#[derive(Clone, Copy)]
enum What {
    Append(u64),
    Read,
}

/// How a call ended: Jepsen's `ok`, `fail` and `info`.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Outcome {
    Appended,
    List(Vec<u64>),
    /// Definitely nothing happened.
    Failed,
    /// Nobody knows.
    Unknown,
}

/// Begins a run.
pub(super) fn begin() {
    HISTORY.set(History::default());
}

/// A client begins to append a number, or to read if there is none. Returns the call's number.
pub(super) fn invoke(key: u8, number: Option<u64>) -> usize {
    HISTORY.with_borrow_mut(|history| {
        history.moments += 1;
        history.calls.push(Call {
            key,
            what: number.map_or(What::Read, What::Append),
            began: history.moments,
            ended: None,
            outcome: Outcome::Unknown,
        });
        history.calls.len() - 1
    })
}

/// The call has ended. One that nobody knows the outcome of may still take effect later.
pub(super) fn end(call: usize, outcome: Outcome) {
    note!("call {call} ends: {outcome:?}");
    HISTORY.with_borrow_mut(|history| {
        history.moments += 1;
        let moment = history.moments;
        let call = &mut history.calls[call];
        call.ended = (outcome != Outcome::Unknown).then_some(moment);
        call.outcome = outcome;
    });
}

/// How many calls had which outcome.
pub(super) fn outcomes() -> BTreeMap<&'static str, u64> {
    let mut counts = BTreeMap::new();
    HISTORY.with_borrow(|history| {
        for call in &history.calls {
            let name = match call.outcome {
                Outcome::Appended => "writes ok",
                Outcome::List(_) => "reads ok",
                Outcome::Failed => "calls failed",
                Outcome::Unknown => "calls unknown",
            };
            *counts.entry(name).or_default() += 1;
        }
    });
    counts
}

/// Judges the whole history by the state in which all nodes agree at its end.
pub(super) fn judge(lists: &Lists) {
    HISTORY.with_borrow(|history| {
        let keys: std::collections::BTreeSet<u8> = history.calls.iter().map(|it| it.key).collect();
        for key in keys {
            let list = lists.lists.get(&key).map_or(&[][..], Vec::as_slice);
            let calls = history.calls.iter().filter(|it| it.key == key);
            judge_key(list, calls.collect());
        }
    });
}

fn judge_key(list: &[u64], calls: Vec<&Call>) {
    let places: BTreeMap<u64, usize> = list.iter().copied().zip(1..).collect();
    // Of each call in the order: when it began and ended, its place, whether it is a write.
    let mut ordered = Vec::new();
    for call in calls {
        let place = match (&call.outcome, call.what) {
            (Outcome::List(seen), _) => {
                let what = || format!("a read saw {seen:?}, the list is {list:?}");
                check("reads see what was written", list.starts_with(seen), what);
                Some(seen.len())
            }
            (Outcome::Appended, What::Append(number)) => {
                let there = places.contains_key(&number);
                let what = || format!("write {number} was acknowledged and is gone");
                check("acknowledged writes", there, what);
                places.get(&number).copied()
            }
            (Outcome::Failed, What::Append(number)) => {
                let there = places.contains_key(&number);
                let what = || format!("write {number} was refused and took effect");
                check("a definite error has no effect", !there, what);
                None
            }
            (_, What::Append(number)) => places.get(&number).copied(),
            (_, What::Read) => None,
        };
        if let Some(place) = place {
            let is_write = matches!(call.what, What::Append(_));
            ordered.push((call.began, call.ended, place, is_write));
        }
    }
    judge_order(&mut ordered);
}

fn judge_order(ordered: &mut [(usize, Option<usize>, usize, bool)]) {
    ordered.sort_unstable();
    let mut ends: Vec<(usize, usize)> = ordered
        .iter()
        .filter_map(|(_, ended, place, _)| Some(((*ended)?, *place)))
        .collect();
    ends.sort_unstable();
    let mut ends = ends.into_iter().peekable();
    let mut floor = 0;
    for &(began, _, place, is_write) in ordered.iter() {
        while let Some((_, ended_at)) = ends.next_if(|(ended, _)| *ended < began) {
            floor = floor.max(ended_at);
        }
        // A write has a place of its own, a read may share one.
        let kept = place > floor || place == floor && !is_write;
        let what = || {
            let kind = if is_write { "write" } else { "read" };
            format!("a {kind} at place {place} began after place {floor} was seen")
        };
        check("linearizable", kept, what);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulation::judge;

    fn verdict(list: &[u64], calls: &[(u8, Option<u64>, Outcome, usize, usize)]) -> Option<String> {
        judge::begin();
        let calls: Vec<Call> = calls
            .iter()
            .map(|(key, number, outcome, began, ended)| Call {
                key: *key,
                what: number.map_or(What::Read, What::Append),
                began: *began,
                ended: (*outcome != Outcome::Unknown).then_some(*ended),
                outcome: outcome.clone(),
            })
            .collect();
        judge_key(list, calls.iter().collect());
        judge::violation()
    }

    #[test]
    fn a_read_may_or_may_not_see_a_write_that_overlaps_it() {
        for seen in [vec![], vec![7]] {
            let calls = [
                (0, Some(7), Outcome::Appended, 1, 4),
                (0, None, Outcome::List(seen), 2, 3),
            ];
            assert_eq!(verdict(&[7], &calls), None);
        }
    }

    #[test]
    fn a_read_that_misses_an_acknowledged_write_is_found() {
        let calls = [
            (0, Some(7), Outcome::Appended, 1, 2),
            (0, None, Outcome::List(vec![]), 3, 4),
        ];
        assert!(verdict(&[7], &calls).unwrap().starts_with("linearizable"));
    }

    #[test]
    fn a_read_older_than_one_before_it_is_found() {
        let calls = [
            (0, Some(7), Outcome::Unknown, 1, 0),
            (0, None, Outcome::List(vec![7]), 2, 3),
            (0, None, Outcome::List(vec![]), 4, 5),
        ];
        assert!(verdict(&[7], &calls).unwrap().starts_with("linearizable"));
    }

    #[test]
    fn a_lost_write_and_an_undone_refusal_are_found() {
        let calls = [(0, Some(7), Outcome::Appended, 1, 2)];
        assert!(verdict(&[], &calls).unwrap().contains("is gone"));
        let calls = [(0, Some(7), Outcome::Failed, 1, 2)];
        assert!(verdict(&[7], &calls).unwrap().contains("took effect"));
    }
}
