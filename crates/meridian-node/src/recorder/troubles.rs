//! What is wrong where, as far as any node of a cluster knows: faults that nodes
//! obey, each for as long as one of them does, and processes that are gone.

use std::collections::{BTreeMap, BTreeSet};

use meridian_judge::history::Site;

/// Everything that is wrong.
pub struct Troubles {
    /// By name.
    active: BTreeMap<String, Trouble>,
    /// How often something has begun or ceased to be wrong inside a region.
    turns: Vec<u64>,
}

/// One thing that is wrong.
struct Trouble {
    site: Site,
    /// The parts whose nodes obey it.
    parts: BTreeSet<usize>,
    /// How often it had an effect, as far as nodes have said.
    struck: u64,
}

/// A region in which nothing was wrong, and how often that had changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Whole(usize, u64);

impl Troubles {
    /// Nothing is wrong in any of so many regions.
    pub fn new(regions: usize) -> Troubles {
        Troubles {
            active: BTreeMap::new(),
            turns: vec![0; regions],
        }
    }

    /// True while nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.active.is_empty()
    }

    /// Something is wrong; if it is a fault, the node of this part obeys it. False
    /// if another did before.
    pub fn begins(&mut self, id: &str, site: Site, part: Option<usize>) -> bool {
        let is_news = !self.active.contains_key(id);
        let news = || Trouble {
            site,
            parts: BTreeSet::new(),
            struck: 0,
        };
        let trouble = self.active.entry(id.to_owned()).or_insert_with(news);
        trouble.parts.extend(part);
        if is_news {
            self.turn(site);
        }
        is_news
    }

    /// A node obeys a fault no more, which had so many effects there. How many it
    /// had, if no other node obeys it.
    pub fn ends(&mut self, id: &str, part: usize, struck: u64) -> Option<u64> {
        let trouble = self.active.get_mut(id)?;
        let obeyed = trouble.parts.remove(&part);
        if obeyed {
            trouble.struck += struck;
        }
        let (was_last, struck) = (obeyed && trouble.parts.is_empty(), trouble.struck);
        (was_last && self.is_over(id)).then_some(struck)
    }

    /// Something is wrong no more; false if it was not.
    pub fn is_over(&mut self, id: &str) -> bool {
        match self.active.remove(id) {
            Some(trouble) => {
                self.turn(trouble.site);
                true
            }
            None => false,
        }
    }

    /// The faults that the node of a part obeys.
    pub fn obeyed(&self, part: usize) -> Vec<String> {
        let all = self.active.iter();
        let obeyed = all.filter(|(_, trouble)| trouble.parts.contains(&part));
        obeyed.map(|(id, _)| id.clone()).collect()
    }

    /// The region, if nothing is wrong inside it.
    pub fn whole(&self, region: usize) -> Option<Whole> {
        let mut sites = self.active.values().map(|trouble| trouble.site);
        let is_whole = !sites.any(|site| site == Site::Region(region));
        is_whole.then(|| Whole(region, self.turns[region]))
    }

    /// Has nothing been wrong inside that region since?
    pub fn is_still(&self, whole: Whole) -> bool {
        self.turns[whole.0] == whole.1
    }

    fn turn(&mut self, site: Site) {
        if let Site::Region(region) = site {
            self.turns[region] += 1;
        }
    }
}
