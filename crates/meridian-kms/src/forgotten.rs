//! Material that must not stay opened: its bytes were here and are no longer.

use imbl::ordmap::DiffItem;
use meridian_crypto::MaterialId;

use crate::arn::KeyRef;
use crate::key::Key;
use crate::region::Region;

impl Region {
    /// The materials whose bytes this region held in its state `before` and
    /// does not hold any more, because they were deleted, have expired, were
    /// taken out of their set or went with their key. A node tells its vault to
    /// forget them. Costs no more than what has changed since.
    pub fn forgotten_since(&self, before: &Region) -> Vec<(KeyRef, MaterialId)> {
        let mut forgotten = Vec::new();
        let mut compare = |old: &Key, new: Option<&Key>| {
            let still = new.map(Key::held_ids).unwrap_or_default();
            let lost = old.held_ids().into_iter().filter(|id| !still.contains(id));
            forgotten.extend(lost.map(|id| (old.key, id)));
        };
        for change in before.keys().diff(self.keys()) {
            match change {
                DiffItem::Add(..) => {}
                DiffItem::Update {
                    old: (_, old),
                    new: (_, new),
                } => compare(old, Some(new)),
                DiffItem::Remove(_, old) => compare(old, None),
            }
        }
        forgotten
    }
}

#[cfg(test)]
mod tests {
    use crate::fixture::TestRegion;

    #[test]
    fn deleted_expired_and_abandoned_material_and_that_of_a_deleted_key_is_forgotten() {
        let mut us = TestRegion::new("us-east-1");
        let (deleted, id) = us.create_imported(false, 1);
        let generated = us.create();
        let before = us.region.clone();
        assert_eq!(us.region.forgotten_since(&before), []);
        us.encrypt(&generated, "x").unwrap();
        us.delete_material(&deleted, None).unwrap();
        let lost = (us.reference(&deleted), id.parse().unwrap());
        assert_eq!(us.region.forgotten_since(&before), [lost]);

        let before = us.region.clone();
        us.rotate(&generated).unwrap();
        assert_eq!(
            us.region.forgotten_since(&before),
            [],
            "old material still decrypts"
        );
        us.schedule_deletion(&generated).unwrap();
        us.pass_days(7);
        assert_eq!(
            us.region.forgotten_since(&before).len(),
            1,
            "what was held in that state"
        );

        let (expiring, _) = us.create_imported(false, 2);
        let valid_to = us.now.plus_days(1);
        us.import_as(&expiring, 2, |request| {
            request.expiration_model = Some("KEY_MATERIAL_EXPIRES".into());
            request.valid_to = Some(valid_to.to_proto());
        })
        .unwrap();
        let before = us.region.clone();
        us.pass_days(1);
        assert_eq!(us.region.forgotten_since(&before).len(), 1);

        let (abandoned, _) = us.create_imported(false, 3);
        let waiting = us.import(&abandoned, 4, "NEW_KEY_MATERIAL").unwrap();
        let before = us.region.clone();
        us.delete_material(&abandoned, Some(&waiting)).unwrap();
        let lost = (us.reference(&abandoned), waiting.parse().unwrap());
        assert_eq!(us.region.forgotten_since(&before), [lost]);
    }
}
