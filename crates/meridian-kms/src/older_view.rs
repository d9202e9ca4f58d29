//! A view of a region in which one property is older than the rest, as a system
//! shows it whose parts spread by themselves. For reads only: no such value was
//! ever agreed on.

use std::sync::Arc;

use crate::key::Key;
use crate::region::Region;

/// What is older.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OlderPart {
    /// Enabled, disabled, waiting to be deleted.
    KeyState,
    /// Where aliases lead.
    Alias,
    /// Tags.
    Tag,
    /// Key policies.
    Policy,
    /// What the set shares, with this region's part in it.
    SharedProperties,
    /// The bytes that are here.
    Materials,
    /// Grants. Which of them are in force is another question
    /// ([`Context::spread_grants`](crate::Context)).
    Grants,
}

impl Region {
    /// This region, but for one part as it was in an older value. Keys that did
    /// not exist then are as they are; keys that are gone stay gone.
    pub fn with_older(&self, older: &Region, part: OlderPart) -> Region {
        let mut view = self.clone();
        if part == OlderPart::Alias {
            *view.aliases_mut() = older.aliases().clone();
            return view;
        }
        for key in self.difference(older).changed {
            if let Some(old) = older.key(&key.key) {
                let mut mixed = Key::clone(key);
                set_back(&mut mixed, old, part);
                view.show(Arc::new(mixed));
            }
        }
        view
    }
}

fn set_back(key: &mut Key, old: &Key, part: OlderPart) {
    match part {
        OlderPart::Alias => {}
        OlderPart::KeyState => {
            key.enabled = old.enabled;
            key.deletion = old.deletion;
            key.custody = old.custody.clone();
        }
        OlderPart::Tag => key.tags = old.tags.clone(),
        OlderPart::Policy => key.policy = old.policy.clone(),
        OlderPart::SharedProperties => {
            key.shared = old.shared.clone();
            key.role = old.role.clone();
        }
        OlderPart::Materials => key.held = old.held.clone(),
        OlderPart::Grants => key.grants = old.grants.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::TestRegion;
    use crate::key_state::KeyState;

    #[test]
    fn one_part_is_older_and_the_rest_is_not() {
        let mut us = TestRegion::new("us-east-1");
        let (key, _) = us.create_imported(false, 1);
        let older = us.region.clone();
        us.disable(&key).unwrap();
        us.import(&key, 2, "NEW_KEY_MATERIAL").unwrap();
        let created = us.create();
        let (reference, created) = (us.reference(&key), us.reference(&created));
        let view = |part| us.region.with_older(&older, part);
        let seen = |part| {
            let view = view(part);
            let key = view.key(&reference).unwrap();
            let state = key.state(view.name());
            (state, key.shared.materials.len(), key.held.len())
        };
        assert_eq!(seen(OlderPart::Tag), (KeyState::Disabled, 2, 2));
        assert_eq!(seen(OlderPart::KeyState), (KeyState::Enabled, 2, 2));
        assert_eq!(
            seen(OlderPart::SharedProperties),
            (KeyState::Disabled, 1, 2)
        );
        assert_eq!(seen(OlderPart::Materials), (KeyState::Disabled, 2, 1));
        assert!(view(OlderPart::KeyState).key(&created).is_some());
    }

    #[test]
    fn an_alias_leads_where_it_led() {
        let mut us = TestRegion::new("us-east-1");
        us.create();
        let older = us.region.clone();
        let view = us.region.with_older(&older, OlderPart::Alias);
        assert_eq!(view.aliases(), older.aliases());
    }
}
