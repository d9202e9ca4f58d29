//! Dice: every choice of a run follows from its seed. A run owns its thread, so each thread has
//! its own.

use std::cell::RefCell;

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

thread_local! {
    static DICE: RefCell<ChaCha8Rng> = RefCell::new(ChaCha8Rng::seed_from_u64(0));
}

/// Begins the choices of a seed.
pub(super) fn begin(seed: u64) {
    DICE.set(ChaCha8Rng::seed_from_u64(seed));
}

/// A number from `low` to `high`, both possible.
pub(super) fn between(low: u64, high: u64) -> u64 {
    DICE.with_borrow_mut(|dice| dice.random_range(low..=high))
}

/// True this often in a thousand.
pub(super) fn permille(often: u64) -> bool {
    often > 0 && between(0, 999) < often
}

/// True once in `times`.
pub(super) fn one_in(times: u64) -> bool {
    between(1, times) == 1
}

/// One of several; there must be one.
pub(super) fn pick<T: Copy>(from: &[T]) -> T {
    let last = from.len() as u64 - 1;
    from[usize::try_from(between(0, last)).expect("an index into a slice")]
}

/// Any number, e.g. a further seed.
pub(super) fn number() -> u64 {
    DICE.with_borrow_mut(|dice| dice.random())
}
