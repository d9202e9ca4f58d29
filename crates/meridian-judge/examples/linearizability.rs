//! How long the check of linearizability takes:
//!
//!     cargo run --release -p meridian-judge --example linearizability
//!
//! 100,000 operations, of which one of a hundred ends unknown: of 8 and of 16
//! clients on one key in one region, and of 16 on 100 keys; each judged as a
//! history, with every other promise.

#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "it measures real time"
)]

use std::time::Instant;

use meridian_judge::History;
use meridian_judge::history::{Invoked, Returned, Seen};
use meridian_kms::{KeyRef, Operation};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

const OPERATIONS: u64 = 100_000;

/// A key as its region has it.
#[derive(Clone)]
struct Key {
    reference: KeyRef,
    description: String,
    enabled: bool,
}

/// A call under way: its key, what was invoked, and what it returns if it has taken
/// effect.
type Call = (usize, Invoked, Option<Returned>);

fn main() {
    for (clients, keys) in [(8, 1), (16, 1), (16, 100)] {
        let history = history(clients, keys);
        let began = Instant::now();
        let verdict = history.judge();
        let took = began.elapsed();
        assert_eq!(verdict.violation, None, "the history is honest");
        println!("{OPERATIONS} operations of {clients} clients, keys: {keys}: {took:.2?}");
    }
}

/// Half of the calls take effect when they begin, the others when they end, or
/// never if that is unknown.
fn history(number: usize, count: u64) -> History {
    let mut dice = ChaCha8Rng::seed_from_u64(count);
    let mut below = |limit: u64| dice.next_u64() % limit;
    let mut keys: Vec<Key> = (0..count).map(key).collect();
    let mut clients: Vec<Option<Call>> = vec![None; number];
    let mut seen = Vec::new();
    let (mut begun, mut at_ms) = (0, 0);
    while begun < OPERATIONS || clients.iter().any(Option::is_some) {
        at_ms += 1;
        let client = below(number as u64) as usize;
        match clients[client].take() {
            Some((_, invoked, _)) if below(100) == 0 => seen.push(Seen::Unknown {
                at_ms,
                call: invoked.call,
                sound: false,
            }),
            Some((number, invoked, returned)) => {
                let returned = returned.unwrap_or_else(|| effect(&invoked, &mut keys[number]));
                seen.push(Seen::Ok(Returned { at_ms, ..returned }));
            }
            None if begun < OPERATIONS => {
                let number = below(count) as usize;
                let key = &mut keys[number];
                let invoked = invoked(begun, client, at_ms, key.reference, below(10));
                begun += 1;
                let returned = (below(2) == 0).then(|| effect(&invoked, key));
                seen.push(Seen::Invoke(invoked.clone()));
                clients[client] = Some((number, invoked, returned));
            }
            None => {}
        }
    }
    seen.push(Seen::Healed {
        at_ms,
        due: vec![0],
    });
    History {
        regions: vec!["us-east-1".parse().expect("a region")],
        seen,
    }
}

fn key(number: u64) -> Key {
    Key {
        reference: KeyRef {
            account: "111122223333".parse().expect("twelve digits"),
            id: format!("mrk-{number:032x}").parse().expect("a key ID"),
        },
        description: String::new(),
        enabled: true,
    }
}

fn invoked(call: u64, client: usize, at_ms: i64, key: KeyRef, drawn: u64) -> Invoked {
    let operation = match drawn {
        0 => Operation::EnableKey,
        1 => Operation::DisableKey,
        2..=4 => Operation::UpdateKeyDescription,
        _ => Operation::DescribeKey,
    };
    let describes = operation == Operation::UpdateKeyDescription;
    Invoked {
        at_ms,
        call,
        client,
        region: 0,
        node: 0,
        operation,
        key: Some(key),
        description: describes.then(|| format!("description {call}")),
        to: None,
        ciphertext: None,
        bytes: None,
        cut_off: false,
        as_of_ms: None,
    }
}

fn effect(invoked: &Invoked, key: &mut Key) -> Returned {
    let mut returned = Returned {
        call: invoked.call,
        ..Returned::default()
    };
    match invoked.operation {
        Operation::EnableKey => key.enabled = true,
        Operation::DisableKey => key.enabled = false,
        Operation::DescribeKey => {
            let state = if key.enabled { "Enabled" } else { "Disabled" };
            returned.state = Some(state.into());
            returned.description = Some(key.description.clone());
        }
        _ => key.description = invoked.description.clone().unwrap_or_default(),
    }
    returned
}
