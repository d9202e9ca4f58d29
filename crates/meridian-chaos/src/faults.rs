//! The active faults.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Effect, Fault, Site};

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
    /// What happens at a site now.
    pub fn strike(&self, site: &Site<'_>, now_ms: i64) -> Effect {
        let effects = self.active.values().map(|fault| fault.strike(site, now_ms));
        effects.fold(Effect::PASS, Effect::and)
    }

    /// Makes a fault active; one with the same ID is replaced.
    pub fn add(&mut self, fault: Fault) {
        self.active.insert(fault.id.clone(), fault);
    }

    /// Ends a fault; false when there is none with this ID.
    pub fn remove(&mut self, id: &str) -> bool {
        self.active.remove(id).is_some()
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
    use crate::{Kind, Link};

    fn link(both_directions: bool) -> Link {
        Link {
            from: "us-east-1".into(),
            to: "eu-west-1".into(),
            both_directions,
        }
    }

    fn fault(id: &str, kind: Kind, ends_at_ms: Option<i64>) -> Fault {
        Fault {
            id: id.into(),
            kind,
            ends_at_ms,
        }
    }

    const THERE: Site<'static> = Site::Link {
        from: "us-east-1",
        to: "eu-west-1",
    };
    const BACK: Site<'static> = Site::Link {
        from: "eu-west-1",
        to: "us-east-1",
    };

    #[test]
    fn a_cut_drops_one_direction_or_both() {
        let mut faults = Faults::default();
        faults.add(fault("a", Kind::LinkCut { link: link(false) }, None));
        assert_eq!(faults.strike(&THERE, 0), Effect::Drop);
        assert_eq!(faults.strike(&BACK, 0), Effect::PASS);
        faults.add(fault("a", Kind::LinkCut { link: link(true) }, None));
        assert_eq!(faults.strike(&BACK, 0), Effect::Drop);
    }

    #[test]
    fn delays_add_up_and_a_cut_wins() {
        let mut faults = Faults::default();
        faults.add(fault(
            "a",
            Kind::LinkDelay {
                link: link(false),
                delay_ms: 20,
            },
            None,
        ));
        faults.add(fault(
            "b",
            Kind::LinkDelay {
                link: link(true),
                delay_ms: 5,
            },
            None,
        ));
        assert_eq!(faults.strike(&THERE, 0), Effect::Delay { ms: 25 });
        faults.add(fault("c", Kind::LinkCut { link: link(true) }, None));
        assert_eq!(faults.strike(&THERE, 0), Effect::Drop);
    }

    #[test]
    fn a_fault_ends_by_itself() {
        let mut faults = Faults::default();
        faults.add(fault("a", Kind::LinkCut { link: link(true) }, Some(100)));
        assert_eq!(faults.strike(&THERE, 99), Effect::Drop);
        assert_eq!(faults.strike(&THERE, 100), Effect::PASS);
        assert_eq!(faults.iter(100).count(), 0);
    }

    #[test]
    fn a_set_survives_its_encoding() {
        let mut faults = Faults::default();
        faults.add(fault(
            "a",
            Kind::LinkDelay {
                link: link(true),
                delay_ms: 7,
            },
            Some(5),
        ));
        assert_eq!(Faults::decode(&faults.encode()), Ok(faults));
        assert_eq!(Faults::decode(b"\x02{}"), Err(Unknown));
    }

    #[test]
    fn a_link_needs_two_regions_of_the_cluster() {
        use crate::fault::FaultError;
        use meridian_proto::v1;
        let regions = ["us-east-1".to_owned()];
        let cut = |from: &str, to: &str| v1::Fault {
            kind: Some(v1::fault::Kind::LinkCut(v1::LinkCut {
                from_region: from.into(),
                to_region: to.into(),
                both_directions: true,
            })),
            ..Default::default()
        };
        let parse = |fault| Fault::from_proto(&fault, &regions, "x".into(), 0).unwrap_err();
        let unknown = FaultError::UnknownRegion("eu-west-9".into());
        assert_eq!(parse(cut("us-east-1", "eu-west-9")), unknown);
        assert_eq!(
            parse(cut("us-east-1", "us-east-1")),
            FaultError::SameRegion("us-east-1".into())
        );
    }
}
