//! Who decides whether a fault of some probability strikes: comes in as an
//! argument, so that a seed decides in a simulation.

use crate::Kind;

/// A source of choices, which also hears what struck.
pub trait Odds {
    /// A number below `limit`, each as likely as any other.
    fn below(&mut self, limit: u64) -> u64;

    /// How often this has been asked for the fault with this ID, now included.
    fn turn(&mut self, fault: &str) -> u64;

    /// How long, in milliseconds, something has to wait that takes `takes_ms` of a
    /// way's time, after all that came before it. Without a memory, not at all.
    fn queue(&mut self, _way: &str, _takes_ms: u64, _now_ms: i64) -> u64 {
        0
    }

    /// A fault has had an effect.
    fn struck(&mut self, kind: &Kind);

    /// True so many times of a thousand.
    fn per_mille(&mut self, parts: u16) -> bool {
        self.below(1000) < u64::from(parts)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::queue::Queue;

    /// Even draws without a generator, and the names of what struck.
    #[derive(Default)]
    pub(crate) struct Counting {
        state: u64,
        turns: u64,
        queue: Queue,
        pub(crate) struck: Vec<&'static str>,
    }

    impl Odds for Counting {
        fn below(&mut self, limit: u64) -> u64 {
            self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = self.state;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            (mixed ^ (mixed >> 31)) % limit
        }

        fn turn(&mut self, _: &str) -> u64 {
            self.turns += 1;
            self.turns
        }

        fn queue(&mut self, way: &str, takes_ms: u64, now_ms: i64) -> u64 {
            self.queue.wait_ms(way, takes_ms, now_ms)
        }

        fn struck(&mut self, kind: &Kind) {
            self.struck.push(kind.name());
        }
    }
}
