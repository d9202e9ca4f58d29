//! How long an injected delay is: drawn from a distribution, in whole numbers,
//! so that a seed gives the same delays on every machine.

use serde::{Deserialize, Serialize};

use crate::odds::Odds;

/// A distribution of delays, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Delay {
    /// Always the same.
    Constant {
        /// The delay.
        ms: u64,
    },
    /// Around a mean; never negative.
    Normal {
        /// The mean.
        mean_ms: u64,
        /// The standard deviation.
        deviation_ms: u64,
    },
    /// Half of all below the median, and a tail: one standard deviation is a
    /// factor of two.
    LogNormal {
        /// The median.
        median_ms: u64,
    },
    /// Mostly near the least, now and then very much longer: of a hundred
    /// delays one is beyond ten times the least.
    Pareto {
        /// The least.
        least_ms: u64,
        /// The most; what would be longer is cut down to it.
        most_ms: u64,
    },
}

/// Powers of two in steps of an eighth, in parts of 256.
const EIGHTHS: [u64; 8] = [256, 279, 304, 332, 362, 395, 431, 470];

impl Delay {
    /// Draws one delay.
    pub fn draw_ms(&self, odds: &mut dyn Odds) -> u64 {
        match *self {
            Delay::Constant { ms } => ms,
            Delay::Normal {
                mean_ms,
                deviation_ms,
            } => {
                let (above, steps) = deviations(odds);
                let by = deviation_ms.saturating_mul(steps) / 1000;
                if above {
                    mean_ms.saturating_add(by)
                } else {
                    mean_ms.saturating_sub(by)
                }
            }
            Delay::LogNormal { median_ms } => {
                let (above, steps) = deviations(odds);
                let eighths = steps * 8 / 1000;
                let (whole, part) = (eighths / 8, EIGHTHS[(eighths % 8) as usize]);
                if above {
                    (median_ms.saturating_mul(part) / 256) << whole
                } else {
                    (median_ms.saturating_mul(256) / part) >> whole
                }
            }
            Delay::Pareto { least_ms, most_ms } => {
                let part = odds.below(10_000) + 1;
                let root = part.isqrt().max(1);
                (least_ms.saturating_mul(100) / root).min(most_ms)
            }
        }
    }
}

/// A distance from the mean in thousandths of a standard deviation: the sum of
/// twelve even draws is close to normal.
fn deviations(odds: &mut dyn Odds) -> (bool, u64) {
    let sum: u64 = (0..12).map(|_| odds.below(1001)).sum();
    (sum >= 6000, sum.abs_diff(6000))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::odds::tests::Counting;

    fn drawn(delay: Delay) -> Vec<u64> {
        let mut odds = Counting::default();
        let mut drawn: Vec<u64> = (0..1000).map(|_| delay.draw_ms(&mut odds)).collect();
        drawn.sort_unstable();
        drawn
    }

    #[test]
    fn a_constant_delay_is_constant() {
        assert!(drawn(Delay::Constant { ms: 7 }).iter().all(|ms| *ms == 7));
    }

    #[test]
    fn the_middle_of_each_distribution_is_where_it_says() {
        let normal = drawn(Delay::Normal {
            mean_ms: 1000,
            deviation_ms: 100,
        });
        assert!((980..1020).contains(&normal[500]), "{}", normal[500]);
        assert!((1060..1140).contains(&normal[840]), "{}", normal[840]);
        let log_normal = drawn(Delay::LogNormal { median_ms: 1000 });
        assert!((900..1120).contains(&log_normal[500]));
        assert!((1700..2300).contains(&log_normal[840]));
    }

    #[test]
    fn a_pareto_delay_has_a_long_tail_that_ends() {
        let pareto = drawn(Delay::Pareto {
            least_ms: 10,
            most_ms: 500,
        });
        assert!(pareto[0] >= 10 && pareto[999] <= 500);
        assert!(pareto[500] < 20, "{}", pareto[500]);
        assert!(pareto[998] >= 100, "{}", pareto[998]);
    }
}
