//! What a leader remembers while it feeds one peer: which positions are on
//! their way, which the peer has acknowledged, when to go on after a failure.
//!
//! None of it is truth, which stands in the region's feed: it is forgotten with
//! the leadership, and the next leader pushes again. Time comes in as
//! milliseconds of any clock that does not go back.

use std::collections::BTreeSet;

use meridian_crypto::{Entropy, Vault};

use crate::arn::RegionName;
use crate::region::{Outgoing, Region};
use crate::replication::about::About;
use crate::replication::fact::FactError;

/// Batches on the way to one peer, at most.
pub const BATCHES_IN_FLIGHT_MAX: usize = 8;

/// Acknowledgements are committed together: at the latest after this time.
const ACKNOWLEDGE_AFTER_MS: u64 = 20;

/// Pause after a failed push, doubled with every further one.
const RETRY_FIRST_MS: u64 = 50;
const RETRY_MAX_MS: u64 = 1000;

/// One leader's progress with one peer.
#[derive(Debug)]
pub struct Feeding {
    in_flight: BTreeSet<u64>,
    batches: usize,
    acknowledged: BTreeSet<u64>,
    /// Acknowledged, and on their way through the log.
    committing: BTreeSet<u64>,
    commit_at_ms: Option<u64>,
    resume_at_ms: Option<u64>,
    retry_ms: u64,
}

impl Default for Feeding {
    fn default() -> Feeding {
        Feeding {
            in_flight: BTreeSet::new(),
            batches: 0,
            acknowledged: BTreeSet::new(),
            committing: BTreeSet::new(),
            commit_at_ms: None,
            resume_at_ms: None,
            retry_ms: RETRY_FIRST_MS,
        }
    }
}

impl Feeding {
    /// The next batch to push now, if anything is due that is not on its way
    /// and not `withheld`.
    ///
    /// # Errors
    /// [`FactError`] when material cannot be sealed for the peer; pushing
    /// pauses then.
    pub fn next_batch(
        &mut self,
        region: &Region,
        peer: &RegionName,
        vault: &Vault,
        entropy: &mut dyn Entropy,
        now_ms: u64,
        withheld: Option<&mut dyn FnMut(&About) -> bool>,
    ) -> Result<Option<Outgoing>, FactError> {
        if self.resume_at_ms.is_some_and(|at| at <= now_ms) {
            self.resume_at_ms = None;
        }
        if self.resume_at_ms.is_some() || self.batches >= BATCHES_IN_FLIGHT_MAX {
            return Ok(None);
        }
        let held_back = held_back(region, peer, withheld);
        let is_taken = |position| self.is_taken(position) || held_back.contains(&position);
        let outgoing = match region.outgoing(peer, vault, entropy, is_taken) {
            Ok(outgoing) => outgoing,
            Err(error) => {
                self.resume_at_ms = Some(now_ms + RETRY_MAX_MS);
                return Err(error);
            }
        };
        if outgoing.positions.is_empty() {
            return Ok(None);
        }
        self.in_flight.extend(&outgoing.positions);
        self.batches += 1;
        Ok(Some(outgoing))
    }

    /// A push has ended: the peer has committed the batch, or it is not known.
    pub fn pushed(&mut self, positions: &[u64], committed: bool, now_ms: u64) {
        self.batches = self.batches.saturating_sub(1);
        for position in positions {
            self.in_flight.remove(position);
        }
        if committed {
            self.retry_ms = RETRY_FIRST_MS;
            self.acknowledged.extend(positions);
            self.commit_at_ms
                .get_or_insert(now_ms + ACKNOWLEDGE_AFTER_MS);
        } else {
            self.resume_at_ms = Some(now_ms + self.retry_ms);
            self.retry_ms = (self.retry_ms * 2).min(RETRY_MAX_MS);
        }
    }

    /// When this has something to do without being told: to commit
    /// acknowledgements, or to go on pushing.
    pub fn wake_at_ms(&self) -> Option<u64> {
        self.commit_at_ms.into_iter().chain(self.resume_at_ms).min()
    }

    /// The positions to commit as acknowledged, once it is time to.
    pub fn acknowledgement(&mut self, now_ms: u64) -> Option<Vec<u64>> {
        self.commit_at_ms.filter(|at| *at <= now_ms)?;
        self.commit_at_ms = None;
        let acknowledged = std::mem::take(&mut self.acknowledged);
        let positions = acknowledged.iter().copied().collect();
        self.committing.extend(acknowledged);
        Some(positions)
    }

    /// The commit of an acknowledgement has ended, well or not; if not, the
    /// facts are pushed again, which is harmless.
    pub fn acknowledgement_ended(&mut self, positions: &[u64]) {
        for position in positions {
            self.committing.remove(position);
        }
    }

    fn is_taken(&self, position: u64) -> bool {
        self.in_flight.contains(&position)
            || self.acknowledged.contains(&position)
            || self.committing.contains(&position)
    }
}

/// The positions of facts that do not leave now.
fn held_back(
    region: &Region,
    peer: &RegionName,
    withheld: Option<&mut dyn FnMut(&About) -> bool>,
) -> BTreeSet<u64> {
    let Some((withheld, feed)) = withheld.zip(region.feeds().get(peer)) else {
        return BTreeSet::new();
    };
    let due = feed.due();
    let held_back = due.filter(|(_, due)| withheld(&region.about(peer, due)));
    held_back.map(|(position, _)| position).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{TestRegion, region};
    use crate::replication::preflight::Answer;
    use meridian_proto::v1::ReplicateKeyRequest;

    const EU: &str = "eu-west-1";

    /// A region with one fact due to `EU`.
    fn us_with_a_fact_due() -> TestRegion {
        let mut us = TestRegion::new("us-east-1");
        us.answer = Some(Answer::default());
        let key = us.create_multi_region();
        us.call(ReplicateKeyRequest {
            key_id: Some(key),
            replica_region: Some(EU.into()),
            ..Default::default()
        })
        .unwrap();
        us
    }

    fn next(feeding: &mut Feeding, us: &mut TestRegion, now_ms: u64) -> Option<Vec<u64>> {
        feeding
            .next_batch(
                &us.region,
                &region(EU),
                &us.vault,
                &mut us.entropy,
                now_ms,
                None,
            )
            .unwrap()
            .map(|batch| batch.positions)
    }

    #[test]
    fn what_is_withheld_is_pushed_once_it_is_not() {
        let mut us = us_with_a_fact_due();
        let mut feeding = Feeding::default();
        let mut creates = |about: &About| about.creates;
        let held = feeding.next_batch(
            &us.region,
            &region(EU),
            &us.vault,
            &mut us.entropy,
            0,
            Some(&mut creates),
        );
        assert!(held.unwrap().is_none());
        assert!(next(&mut feeding, &mut us, 0).is_some());
    }

    #[test]
    fn a_fact_is_pushed_once_until_its_acknowledgement_is_committed() {
        let mut us = us_with_a_fact_due();
        let mut feeding = Feeding::default();
        let positions = next(&mut feeding, &mut us, 0).unwrap();
        assert_eq!(next(&mut feeding, &mut us, 0), None, "it is on its way");
        feeding.pushed(&positions, true, 5);
        assert_eq!(next(&mut feeding, &mut us, 5), None, "it is acknowledged");
        assert_eq!(feeding.wake_at_ms(), Some(25));
        assert_eq!(feeding.acknowledgement(24), None);
        assert_eq!(feeding.acknowledgement(25), Some(positions.clone()));
        assert_eq!(next(&mut feeding, &mut us, 30), None, "it is committing");
        feeding.acknowledgement_ended(&positions);
        assert_eq!(
            next(&mut feeding, &mut us, 30),
            Some(positions),
            "the commit did not work"
        );
    }

    #[test]
    fn failures_pause_pushing_for_longer_and_longer_up_to_a_second() {
        let mut us = us_with_a_fact_due();
        let mut feeding = Feeding::default();
        let (mut now, mut pauses) = (0, Vec::new());
        for _ in 0..6 {
            let positions = next(&mut feeding, &mut us, now).unwrap();
            feeding.pushed(&positions, false, now);
            assert_eq!(next(&mut feeding, &mut us, now), None);
            let resume = feeding.wake_at_ms().unwrap();
            pauses.push(resume - now);
            now = resume;
        }
        assert_eq!(pauses, [50, 100, 200, 400, 800, 1000]);
    }
}
