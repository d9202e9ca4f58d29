//! Dice: every choice of a run. One seed feeds several independent streams, so
//! that one more draw in one place does not change the draws of another.

use meridian_crypto::Entropy;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// What a stream of choices is for.
#[derive(Clone, Copy, Debug)]
pub enum Stream {
    /// The shape of the run: regions, clients, how much goes wrong.
    Shape,
    /// Delays, and whether a fault strikes.
    World,
    /// The timeline of faults.
    Timeline,
    /// Pauses between the operations of clients.
    Pauses,
    /// One operation of the workload.
    Operation(usize),
    /// The randomness of one region's nodes.
    Region(usize),
}

/// One stream of choices.
pub struct Dice(ChaCha8Rng);

impl Dice {
    /// The same seed and stream give the same choices.
    pub fn new(seed: u64, stream: Stream) -> Dice {
        let number = match stream {
            Stream::Shape => 1,
            Stream::World => 2,
            Stream::Timeline => 3,
            Stream::Pauses => 4,
            Stream::Region(index) => 1_000 + index as u64,
            Stream::Operation(index) => 1_000_000 + index as u64,
        };
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        generator.set_stream(number);
        Dice(generator)
    }

    /// A number below `limit`, which is not zero.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0.next_u64() % limit
    }

    /// A number from `least` to `most`, both included.
    pub fn between(&mut self, least: i64, most: i64) -> i64 {
        let span = most.abs_diff(least).saturating_add(1);
        least.saturating_add_unsigned(self.below(span))
    }

    /// True once in `times`.
    pub fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// An index into `length` things.
    pub fn index(&mut self, length: usize) -> usize {
        (self.below(length as u64)) as usize
    }

    /// One of several.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.index(from.len())]
    }

    /// One of several, each as often as its weight says.
    pub fn weighted<T: Copy>(&mut self, table: &[(T, u64)]) -> T {
        let mut left = self.below(table.iter().map(|(_, weight)| weight).sum());
        for (it, weight) in table {
            if left < *weight {
                return *it;
            }
            left -= weight;
        }
        unreachable!("less than the sum of all weights")
    }
}

impl Entropy for Dice {
    fn fill(&mut self, out: &mut [u8]) {
        self.0.fill_bytes(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(seed: u64, stream: Stream) -> Vec<u64> {
        let mut dice = Dice::new(seed, stream);
        (0..4).map(|_| dice.below(1_000_000)).collect()
    }

    #[test]
    fn a_seed_and_a_stream_give_the_same_choices_for_ever() {
        assert_eq!(drawn(7, Stream::World), [drawn(7, Stream::World)].concat(),);
        assert_ne!(drawn(7, Stream::World), drawn(8, Stream::World));
        assert_ne!(drawn(7, Stream::World), drawn(7, Stream::Timeline));
        assert_ne!(
            drawn(7, Stream::Operation(0)),
            drawn(7, Stream::Operation(1))
        );
    }

    #[test]
    fn choices_stay_within_their_bounds() {
        let mut dice = Dice::new(1, Stream::World);
        for _ in 0..1000 {
            assert!((-3..=3).contains(&dice.between(-3, 3)));
            assert!(dice.weighted(&[(1, 0), (2, 5)]) == 2);
        }
    }
}
