//! Disturbances: what is wrong where, as far as a history says, and since when
//! nothing is. Bounds in time hold only where nothing is wrong.

use std::collections::BTreeMap;

use crate::history::{Seen, Site};

/// The faults that have begun and not ended, and when others ended.
#[derive(Default)]
pub struct Disturbances {
    active: BTreeMap<String, Site>,
    /// When the last fault at a place ended, in virtual milliseconds.
    ended_ms: Vec<(Site, i64)>,
    /// When the last fault anywhere ended.
    last_end_ms: i64,
}

impl Disturbances {
    /// One more thing is seen.
    pub fn see(&mut self, seen: &Seen) {
        match seen {
            Seen::FaultBegan { id, site, .. } => {
                self.active.insert(id.clone(), *site);
            }
            Seen::FaultEnded { at_ms, id, .. } => {
                if let Some(site) = self.active.remove(id) {
                    self.last_end_ms = *at_ms;
                    self.ended_ms.retain(|(it, _)| *it != site);
                    self.ended_ms.push((site, *at_ms));
                }
            }
            _ => {}
        }
    }

    /// Since when nothing has been wrong in two regions and between them;
    /// nothing while something is.
    pub fn calm_since_ms(&self, one: usize, other: usize) -> Option<i64> {
        if self.active.values().any(|site| site.concerns(one, other)) {
            return None;
        }
        let ended = self.ended_ms.iter();
        let ended = ended.filter(|(site, _)| site.concerns(one, other));
        Some(ended.map(|(_, ms)| *ms).max().unwrap_or_default())
    }

    /// Is anything wrong with every link of a region?
    pub fn surround(&self, region: usize, regions: usize) -> bool {
        let disturbed = |other: usize| {
            let mut sites = self.active.values();
            sites.any(|site| site.is_link_between(region, other))
        };
        (0..regions).all(|other| other == region || disturbed(other))
    }

    /// When the last fault ended, if all have.
    pub fn healed_ms(&self) -> Option<i64> {
        self.active.is_empty().then_some(self.last_end_ms)
    }
}

impl Site {
    fn concerns(self, one: usize, other: usize) -> bool {
        match self {
            Site::Everywhere => true,
            Site::Region(region) => region == one || region == other,
            Site::Link(..) => self.is_link_between(one, other),
        }
    }

    fn is_link_between(self, one: usize, other: usize) -> bool {
        self == Site::Link(one, other) || self == Site::Link(other, one)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn began(id: &str, site: Site) -> Seen {
        Seen::FaultBegan {
            at_ms: 0,
            id: id.into(),
            kind: "link cut".into(),
            site,
            fault: serde_json::Value::Null,
        }
    }

    fn ended(id: &str, at_ms: i64) -> Seen {
        Seen::FaultEnded {
            at_ms,
            id: id.into(),
            struck: 0,
        }
    }

    #[test]
    fn it_is_calm_between_two_regions_once_what_concerns_them_has_ended() {
        let mut it = Disturbances::default();
        it.see(&began("a", Site::Link(1, 0)));
        it.see(&began("b", Site::Region(2)));
        assert_eq!(it.calm_since_ms(0, 1), None);
        assert_eq!(it.calm_since_ms(0, 3), Some(0));
        assert_eq!(it.calm_since_ms(0, 2), None);
        it.see(&ended("a", 70));
        assert_eq!(it.calm_since_ms(0, 1), Some(70));
        assert_eq!(it.healed_ms(), None);
        it.see(&ended("b", 90));
        assert_eq!(it.calm_since_ms(2, 3), Some(90));
        assert_eq!(it.healed_ms(), Some(90));
    }

    #[test]
    fn a_region_is_surrounded_when_each_of_its_links_is_disturbed() {
        let mut it = Disturbances::default();
        it.see(&began("a", Site::Link(0, 1)));
        assert!(!it.surround(0, 3) && it.surround(0, 2));
        it.see(&began("b", Site::Link(2, 0)));
        assert!(it.surround(0, 3) && !it.surround(1, 3));
    }
}
