//! What becomes of one message on a link under all active faults.

use crate::odds::Odds;
use crate::{Faults, Kind};

/// One message's fate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passage {
    /// It never arrives; the sender notices by its time-out.
    pub lost: bool,
    /// It waits until nothing holds the link any more.
    pub held: bool,
    /// How often it arrives, unless it is lost.
    pub copies: u32,
    /// How much later than usual, in milliseconds.
    pub delay_ms: u64,
}

impl Faults {
    /// Decides about a message of so many bytes that is sent now.
    pub fn passage(
        &self,
        (from, to): (&str, &str),
        bytes: u64,
        now_ms: i64,
        odds: &mut dyn Odds,
    ) -> Passage {
        let mut passage = Passage::WHOLE;
        for fault in self.iter(now_ms) {
            let carries = |it: &crate::Link| it.carries(from, to);
            let before = passage;
            match &fault.kind {
                Kind::NodeCut { node } => passage.lost |= node.is_end(from) || node.is_end(to),
                Kind::NodePause { node } => passage.held |= node.is_end(from) || node.is_end(to),
                kind if !kind.link().is_some_and(carries) => continue,
                _ => {}
            }
            match &fault.kind {
                Kind::LinkCut { .. } => passage.lost = true,
                Kind::LinkFlap { period_ms, .. } => passage.lost |= is_down(*period_ms, now_ms),
                Kind::LinkLoss { per_mille, .. } => passage.lost |= odds.per_mille(*per_mille),
                Kind::LinkHold { .. } => passage.held = true,
                Kind::LinkDuplicate { per_mille, .. } => {
                    passage.copies += u32::from(odds.per_mille(*per_mille));
                }
                Kind::LinkDelay { delay_ms, .. } => passage.later(*delay_ms),
                Kind::LinkJitter { delay, .. } => passage.later(delay.draw_ms(odds)),
                Kind::LinkReorder { spread_ms, .. } => passage.later(odds.below(spread_ms + 1)),
                Kind::LinkBandwidth { bytes_per_s, .. } => {
                    let takes_ms = bytes.saturating_mul(1000) / (*bytes_per_s).max(1);
                    let way = format!("{} {from} {to}", fault.id);
                    passage.later(odds.queue(&way, takes_ms, now_ms));
                    passage.later(takes_ms);
                }
                // Of no link.
                _ => {}
            }
            if passage != before {
                odds.struck(&fault.kind);
            }
        }
        passage
    }

    /// Does nothing at all pass in this direction now?
    pub fn cuts(&self, from: &str, to: &str, now_ms: i64) -> bool {
        self.iter(now_ms).any(|fault| match &fault.kind {
            Kind::LinkCut { link } => link.carries(from, to),
            Kind::LinkFlap { link, period_ms } => {
                link.carries(from, to) && is_down(*period_ms, now_ms)
            }
            Kind::NodeCut { node } => node.is_end(from) || node.is_end(to),
            _ => false,
        })
    }

    /// Does anything hold this direction back now?
    pub fn holds(&self, from: &str, to: &str, now_ms: i64) -> bool {
        self.iter(now_ms).any(|fault| match &fault.kind {
            Kind::LinkHold { link } => link.carries(from, to),
            Kind::NodePause { node } => node.is_end(from) || node.is_end(to),
            _ => false,
        })
    }
}

/// A flapping link is down for the first half of each period.
fn is_down(period_ms: u64, now_ms: i64) -> bool {
    now_ms.unsigned_abs() % period_ms.max(2) < period_ms / 2
}

impl Passage {
    /// Nothing is wrong.
    pub const WHOLE: Passage = Passage {
        lost: false,
        held: false,
        copies: 1,
        delay_ms: 0,
    };

    fn later(&mut self, ms: u64) {
        self.delay_ms = self.delay_ms.saturating_add(ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use crate::odds::tests::Counting;
    use crate::{Delay, Link};

    fn faults(kinds: impl IntoIterator<Item = Kind>) -> Faults {
        fixture::faults(kinds, 1000)
    }

    fn link() -> Link {
        Link {
            from: "us-east-1".into(),
            to: "eu-west-1".into(),
            both_directions: false,
        }
    }

    fn there(faults: &Faults, now_ms: i64, odds: &mut Counting) -> Passage {
        faults.passage(("us-east-1", "eu-west-1"), 500, now_ms, odds)
    }

    #[test]
    fn every_fault_adds_its_own_to_a_message_in_its_direction() {
        let all = faults([
            Kind::LinkDelay {
                link: link(),
                delay_ms: 20,
            },
            Kind::LinkJitter {
                link: link(),
                delay: Delay::Constant { ms: 5 },
            },
            Kind::LinkDuplicate {
                link: link(),
                per_mille: 1000,
            },
            Kind::LinkHold { link: link() },
        ]);
        let mut odds = Counting::default();
        let passage = there(&all, 0, &mut odds);
        assert_eq!((passage.delay_ms, passage.copies), (25, 2));
        assert!(passage.held && !passage.lost);
        let names = ["link delay", "link jitter", "link duplicate", "link hold"];
        assert_eq!(odds.struck, names);
        let back = all.passage(("eu-west-1", "us-east-1"), 500, 0, &mut odds);
        assert_eq!((back.delay_ms, back.copies, back.held), (0, 1, false));
    }

    #[test]
    fn nothing_is_wrong_once_the_faults_have_ended() {
        let all = faults([
            Kind::LinkCut { link: link() },
            Kind::LinkHold { link: link() },
        ]);
        let mut odds = Counting::default();
        assert!(there(&all, 999, &mut odds).lost && all.holds("us-east-1", "eu-west-1", 999));
        assert!(all.cuts("us-east-1", "eu-west-1", 999) && !all.cuts("eu-west-1", "us-east-1", 0));
        assert!(!there(&all, 1000, &mut odds).lost && !all.holds("us-east-1", "eu-west-1", 1000));
    }

    #[test]
    fn a_loss_of_a_quarter_loses_about_a_quarter() {
        let loss = faults([Kind::LinkLoss {
            link: link(),
            per_mille: 250,
        }]);
        let mut odds = Counting::default();
        let lost = (0..1000)
            .filter(|_| there(&loss, 0, &mut odds).lost)
            .count();
        assert!((200..300).contains(&lost), "{lost}");
        assert_eq!(odds.struck.len(), lost);
    }

    #[test]
    fn a_node_that_is_cut_hears_no_node_and_is_heard_by_none() {
        let cut = faults([Kind::NodeCut {
            node: crate::Place {
                region: "us-east-1".into(),
                node: 2,
            },
        }]);
        let lost = |from, to| {
            let passage = cut.passage((from, to), 0, 0, &mut Counting::default());
            assert_eq!(passage.lost, cut.cuts(from, to, 0));
            passage.lost
        };
        assert!(lost("us-east-1/2", "us-east-1/1") && lost("us-east-1/3", "us-east-1/2"));
        assert!(!lost("us-east-1/1", "us-east-1/3") && !lost("us-east-1", "eu-west-1"));
    }

    #[test]
    fn what_a_paused_node_sends_and_is_sent_waits() {
        let node = crate::Place {
            region: "us-east-1".into(),
            node: 2,
        };
        let pause = faults([Kind::NodePause { node }]);
        let held = |from, to| {
            let passage = pause.passage((from, to), 0, 0, &mut Counting::default());
            assert_eq!(passage.held, pause.holds(from, to, 0));
            passage.held
        };
        assert!(held("us-east-1/2", "us-east-1/1") && held("us-east-1/3", "us-east-1/2"));
        assert!(!held("us-east-1/1", "us-east-1/3") && !held("us-east-1", "eu-west-1"));
    }

    #[test]
    fn messages_on_a_narrow_link_wait_for_each_other() {
        let narrow = faults([Kind::LinkBandwidth {
            link: link(),
            bytes_per_s: 1000,
        }]);
        let mut odds = Counting::default();
        let delays = [0, 0, 900, 5000].map(|now| there(&narrow, now, &mut odds).delay_ms);
        assert_eq!(delays, [500, 1000, 600, 0]);
    }

    #[test]
    fn a_flapping_link_is_cut_and_whole_in_turns() {
        let flap = faults([Kind::LinkFlap {
            link: link(),
            period_ms: 100,
        }]);
        let mut odds = Counting::default();
        let lost = [0, 49, 50, 99, 100].map(|now| there(&flap, now, &mut odds).lost);
        assert_eq!(lost, [true, true, false, false, true]);
    }
}
