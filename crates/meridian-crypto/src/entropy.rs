//! Where random bytes come from: always an argument, never ambient.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// A source of random bytes.
///
/// A node passes `OsEntropy`, which needs the feature `os-entropy`; the
/// simulator and tests pass [`SeededEntropy`].
pub trait Entropy {
    /// Overwrites all of `out` with random bytes.
    fn fill(&mut self, out: &mut [u8]);
}

/// Random bytes that follow from a seed: the same seed gives the same bytes on
/// every machine. For tests and the simulator; keys drawn from it are guessable.
pub struct SeededEntropy(ChaCha20Rng);

impl SeededEntropy {
    /// A source whose whole output follows from `seed`.
    pub fn new(seed: u64) -> Self {
        Self(ChaCha20Rng::seed_from_u64(seed))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&mut self, out: &mut [u8]) {
        self.0.fill_bytes(out);
    }
}

/// Random bytes fit for keys, from a generator that each thread seeds, and
/// reseeds, from the operating system.
///
/// A system call per request would cost more than the encryption it serves.
#[cfg(feature = "os-entropy")]
#[derive(Clone, Copy, Debug, Default)]
pub struct OsEntropy;

#[cfg(feature = "os-entropy")]
impl Entropy for OsEntropy {
    /// # Panics
    /// If the operating system refuses the thread's first seed.
    fn fill(&mut self, out: &mut [u8]) {
        rand::RngCore::fill_bytes(&mut rand::rng(), out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(entropy: &mut dyn Entropy) -> [u8; 16] {
        let mut out = [0; 16];
        entropy.fill(&mut out);
        out
    }

    #[test]
    fn a_seed_gives_the_same_bytes_for_ever() {
        assert_eq!(
            hex::encode(drawn(&mut SeededEntropy::new(7))),
            "19454a27b752f905909507d6160ddc88"
        );
    }

    #[test]
    fn different_seeds_and_successive_draws_differ() {
        let mut one = SeededEntropy::new(1);
        let first = drawn(&mut one);
        assert_ne!(first, drawn(&mut one));
        assert_ne!(first, drawn(&mut SeededEntropy::new(2)));
    }

    #[cfg(feature = "os-entropy")]
    #[test]
    fn the_operating_systems_bytes_do_not_repeat() {
        assert_ne!(drawn(&mut OsEntropy), drawn(&mut OsEntropy));
    }
}
