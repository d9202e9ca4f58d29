//! What one step has made of the keys of a region.

use std::sync::Arc;

use imbl::ordmap::DiffItem;

use crate::arn::KeyRef;
use crate::key::Key;
use crate::region::Region;

/// The keys in which a region differs from what it was before.
pub struct Difference<'a> {
    /// New or changed, as they are after the step.
    pub changed: Vec<&'a Arc<Key>>,
    /// Deleted for good.
    pub gone: Vec<KeyRef>,
}

impl Region {
    /// The difference that a step has made. What both values share costs
    /// nothing to compare.
    pub fn difference<'a>(&'a self, before: &'a Region) -> Difference<'a> {
        let mut difference = Difference {
            changed: Vec::new(),
            gone: Vec::new(),
        };
        for item in before.keys().diff(self.keys()) {
            match item {
                DiffItem::Add(_, key) => difference.changed.push(key),
                DiffItem::Update { new: (_, key), .. } => difference.changed.push(key),
                DiffItem::Remove(reference, _) => difference.gone.push(*reference),
            }
        }
        difference
    }
}

#[cfg(test)]
mod tests {
    use crate::fixture::TestRegion;

    #[test]
    fn a_step_shows_what_it_created_changed_and_deleted() {
        let mut us = TestRegion::new("us-east-1");
        let (kept, doomed) = (us.create(), us.create());
        let before = us.region.clone();
        assert!(us.region.difference(&before).changed.is_empty());
        us.disable(&kept).unwrap();
        us.schedule_deletion(&doomed).unwrap();
        us.pass_days(8);
        let created = us.create();
        let difference = us.region.difference(&before);
        let mut changed: Vec<_> = difference.changed.iter().map(|key| key.key).collect();
        let mut wanted = vec![us.reference(&kept), us.reference(&created)];
        changed.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(changed, wanted);
        assert_eq!(difference.gone, [us.reference(&doomed)]);
    }
}
