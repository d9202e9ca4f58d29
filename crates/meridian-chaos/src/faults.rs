//! The active faults.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Fault, Kind, Profile};

/// All faults that have not been removed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Faults {
    active: BTreeMap<String, Fault>,
}

/// The version that an encoded set begins with.
const ENCODING: u8 = 1;

/// The bytes are not a set of faults of a known version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a set of faults of a known version")]
pub struct Unknown;

impl Faults {
    /// Makes a fault active; one with the same ID is replaced.
    pub fn add(&mut self, fault: Fault) {
        self.active.insert(fault.id.clone(), fault);
    }

    /// Ends a fault; false when there is none with this ID.
    pub fn remove(&mut self, id: &str) -> bool {
        self.active.remove(id).is_some()
    }

    /// Replaces the faults of any profile by those of this one.
    pub fn set_profile(&mut self, profile: Profile, regions: &[String]) {
        self.active.retain(|id, _| !Profile::owns(id));
        for fault in profile.faults(regions) {
            self.add(fault);
        }
    }

    /// Ends all faults; returns how many there were.
    pub fn clear(&mut self) -> usize {
        std::mem::take(&mut self.active).len()
    }

    /// The faults that have not ended.
    pub fn iter(&self, now_ms: i64) -> impl Iterator<Item = &Fault> {
        self.active
            .values()
            .filter(move |fault| !fault.has_ended(now_ms))
    }

    /// True when nothing is wrong, nor will be by itself.
    pub fn is_empty(&self) -> bool {
        self.active.is_empty()
    }

    /// When something changes by itself next, after `now_ms`: a fault ends, or
    /// a flapping link turns.
    pub fn next_change_ms(&self, now_ms: i64) -> Option<i64> {
        let changes = self.iter(now_ms).flat_map(|fault| {
            let turn = match &fault.kind {
                Kind::LinkFlap { period_ms, .. } => {
                    let half = i64::try_from(period_ms / 2).unwrap_or(i64::MAX).max(1);
                    Some(now_ms.saturating_add(half - now_ms.rem_euclid(half)))
                }
                _ => None,
            };
            [fault.ends_at_ms, turn]
        });
        changes.flatten().min()
    }

    /// The versioned encoding: one byte, then JSON.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![ENCODING];
        serde_json::to_writer(&mut bytes, self).expect("names and numbers are representable");
        bytes
    }

    /// Reads what [`Faults::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Faults, Unknown> {
        match bytes.split_first() {
            Some((&ENCODING, json)) => serde_json::from_slice(json).map_err(|_| Unknown),
            Some(_) | None => Err(Unknown),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Link;

    fn fault(id: &str, kind: Kind, ends_at_ms: Option<i64>) -> Fault {
        Fault {
            id: id.into(),
            kind,
            ends_at_ms,
        }
    }

    fn link() -> Link {
        Link {
            from: "us-east-1".into(),
            to: "eu-west-1".into(),
            both_directions: true,
        }
    }

    #[test]
    fn a_fault_ends_by_itself_or_by_its_id() {
        let mut faults = Faults::default();
        faults.add(fault("a", Kind::LinkCut { link: link() }, Some(100)));
        faults.add(fault("b", Kind::LinkHold { link: link() }, None));
        assert_eq!(faults.iter(99).count(), 2);
        assert_eq!(faults.iter(100).count(), 1);
        assert!(faults.remove("b") && !faults.remove("b"));
        assert_eq!(faults.clear(), 1);
        assert!(faults.is_empty());
    }

    #[test]
    fn the_next_change_is_an_end_or_a_turn_of_a_flapping_link() {
        let mut faults = Faults::default();
        faults.add(fault("a", Kind::LinkHold { link: link() }, None));
        assert_eq!(faults.next_change_ms(0), None);
        faults.add(fault("b", Kind::LinkCut { link: link() }, Some(80)));
        assert_eq!(faults.next_change_ms(0), Some(80));
        let period_ms = 100;
        let flap = Kind::LinkFlap {
            link: link(),
            period_ms,
        };
        faults.add(fault("c", flap, None));
        assert_eq!(faults.next_change_ms(0), Some(50));
        assert_eq!(faults.next_change_ms(50), Some(80));
        assert_eq!(faults.next_change_ms(80), Some(100));
    }

    #[test]
    fn a_profile_replaces_another_and_leaves_other_faults_alone() {
        let mut faults = Faults::default();
        let regions = ["us-east-1", "eu-west-1"].map(str::to_owned);
        faults.add(fault("own", Kind::LinkCut { link: link() }, None));
        faults.set_profile(Profile::Adversarial, &regions);
        faults.set_profile(Profile::AwsTypical, &regions);
        // One link, and two ways to read an older view in each of two regions.
        assert_eq!(faults.iter(0).count(), 1 + 5);
        faults.set_profile(Profile::Instant, &regions);
        assert_eq!(faults.iter(0).count(), 1);
    }

    #[test]
    fn a_set_survives_its_encoding() {
        let mut faults = Faults::default();
        let delay_ms = 7;
        let delay = Kind::LinkDelay {
            link: link(),
            delay_ms,
        };
        faults.add(fault("a", delay, Some(5)));
        assert_eq!(Faults::decode(&faults.encode()), Ok(faults));
        assert_eq!(Faults::decode(b"\x02{}"), Err(Unknown));
    }
}
