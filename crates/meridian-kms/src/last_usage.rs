//! When a key was last used, and for what: noted by each node as it answers,
//! agreed on now and then.
//!
//! A use is no write: it is not in the log when its caller is answered. AWS lets
//! this lag by up to an hour.

use serde::{Deserialize, Serialize};

use crate::arn::KeyRef;
use crate::ops::Operation;
use crate::region::Region;
use crate::time::Timestamp;

/// A successful cryptographic operation with a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Use {
    /// AWS's name of the operation.
    pub operation: String,
    /// When, by the clock of the node that answered.
    pub at: Timestamp,
    /// The ID of the request.
    pub request_id: String,
}

impl Operation {
    /// Does a success count as a use of its keys?
    pub fn is_use(self) -> bool {
        self.key_usage().is_some()
    }
}

impl Region {
    /// The last use of a key that this region has agreed on.
    pub fn last_use(&self, key: &KeyRef) -> Option<&Use> {
        self.uses().get(key)
    }

    /// Takes over uses that a node has noted, unless a later one is known.
    pub(crate) fn note_uses(&mut self, uses: &[(KeyRef, Use)]) {
        for (key, noted) in uses {
            let known = self.last_use(key).map(|it| it.at);
            if self.key(key).is_some() && known.is_none_or(|known| known <= noted.at) {
                self.uses_mut().insert(*key, noted.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{START, TestRegion};
    use crate::ops::Change;
    use crate::region::Entry;

    fn used(operation: &str, at: Timestamp) -> Use {
        Use {
            operation: operation.into(),
            at,
            request_id: "2077c3bf-a538-41e6-b6fb-794e83344f84".into(),
        }
    }

    #[test]
    fn the_latest_use_stays_whatever_the_order_and_goes_with_its_key() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create();
        let reference = us.reference(&key);
        let (early, late) = (used("Encrypt", START), used("Decrypt", START.plus_ms(1)));
        for noted in [&late, &early] {
            us.commit(Change::KeysUsed {
                uses: vec![(reference, noted.clone())],
            });
            assert_eq!(us.region.last_use(&reference), Some(&late));
        }
        us.schedule_deletion(&key).unwrap();
        us.pass_days(8);
        us.commit(Change::KeysUsed {
            uses: vec![(reference, late)],
        });
        assert_eq!(us.region.last_use(&reference), None);
    }

    #[test]
    fn uses_are_stored_in_this_form_and_a_region_without_any_as_ever() {
        let stored = r#"{"v":1,"body":{"at":5,"change":{"KeysUsed":{"uses":[["#.to_owned()
            + r#""111122223333/1234abcd-12ab-34cd-56ef-1234567890ab","#
            + r#"{"operation":"Encrypt","at":4,"#
            + r#""request_id":"2077c3bf-a538-41e6-b6fb-794e83344f84"}]]}}}}"#;
        let reference = KeyRef {
            account: "111122223333".parse().unwrap(),
            id: "1234abcd-12ab-34cd-56ef-1234567890ab".parse().unwrap(),
        };
        let entry = Entry {
            at: Timestamp(5),
            change: Change::KeysUsed {
                uses: vec![(reference, used("Encrypt", Timestamp(4)))],
            },
        };
        let bytes = String::from_utf8(entry.encode()).unwrap();
        assert_eq!(bytes, stored);
        assert_eq!(Entry::decode(bytes.as_bytes()).unwrap(), entry);

        let mut us = TestRegion::new("us-east-1");
        let made = us.create();
        let before = String::from_utf8(us.region.encode()).unwrap();
        assert!(!before.contains("\"uses\""));
        us.commit(Change::KeysUsed {
            uses: vec![(us.reference(&made), used("Sign", START))],
        });
        assert!(Region::decode(&us.region.encode()).unwrap() == us.region);
        assert!(us.region.encode().windows(6).any(|it| it == b"\"uses\""));
    }
}
