//! What a region does not hear, or does not tell, about a key set: which fact
//! stays at its author while a fault holds it.
//!
//! A fact is a snapshot, so that whatever else it would say waits with it.

use serde::{Deserialize, Serialize};

use crate::odds::Odds;
use crate::{Faults, Kind};

/// A phase in the life of a key set that another region's word ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Phase {
    /// A replica is being created.
    Creating,
    /// The primary role is on its way to another region.
    Updating,
    /// A rotation was accepted, and its members prepare it.
    Prepare,
}

/// A fact that is about to leave its author.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Telling {
    /// The key, by its ID.
    pub key_id: String,
    /// The phases that the peer would end, or help to end, once it knows.
    pub ends: Vec<Phase>,
    /// Imported materials that the author says to hold.
    pub held: Vec<String>,
    /// Those of them that wait for a rotation.
    pub waiting: Vec<String>,
}

impl Telling {
    /// A fact about a key with these materials. It may be what ends Creating
    /// (`creates`), Updating (`hands_over`) or the preparation of a rotation
    /// (`prepares`) at its receiver.
    pub fn new<I: ToString>(
        key_id: &impl ToString,
        (creates, hands_over, prepares): (bool, bool, bool),
        held: impl IntoIterator<Item = I>,
        waiting: impl IntoIterator<Item = I>,
    ) -> Telling {
        let ends = [
            (creates, Phase::Creating),
            (hands_over, Phase::Updating),
            (prepares, Phase::Prepare),
        ];
        let ended = ends.into_iter().filter(|(ends, _)| *ends);
        let texts = |id: I| id.to_string();
        Telling {
            key_id: key_id.to_string(),
            ends: ended.map(|(_, phase)| phase).collect(),
            held: held.into_iter().map(texts).collect(),
            waiting: waiting.into_iter().map(texts).collect(),
        }
    }
}

impl Faults {
    /// Does a fact stay at its author now?
    pub fn withholds(
        &self,
        (from, to): (&str, &str),
        telling: &Telling,
        now_ms: i64,
        odds: &mut dyn Odds,
    ) -> bool {
        let mut holding = self.iter(now_ms).filter(|fault| {
            let is_key = |key_id: &Option<String>| {
                key_id.is_none() || key_id.as_deref() == Some(telling.key_id.as_str())
            };
            match &fault.kind {
                Kind::Stretch {
                    phase,
                    region,
                    key_id,
                } => region == to && is_key(key_id) && telling.ends.contains(phase),
                Kind::MaterialHold {
                    region,
                    key_id,
                    material,
                } => {
                    let holds = match material {
                        Some(material) => telling.held.contains(material),
                        None => !telling.waiting.is_empty(),
                    };
                    region == from && is_key(key_id) && holds
                }
                _ => false,
            }
        });
        let first = holding.next();
        first.inspect(|fault| odds.struck(&fault.kind)).is_some()
    }

    /// The IDs of the faults that keep facts at their authors.
    pub fn withholding(&self, now_ms: i64) -> Vec<String> {
        let holding = self.iter(now_ms).filter(|fault| {
            let kind = &fault.kind;
            matches!(kind, Kind::Stretch { .. } | Kind::MaterialHold { .. })
        });
        holding.map(|fault| fault.id.clone()).collect()
    }

    /// The age, in milliseconds, from which on a region takes import tokens for
    /// expired, if a fault says one.
    pub fn tokens_expire_after_ms(
        &self,
        region: &str,
        now_ms: i64,
        odds: &mut dyn Odds,
    ) -> Option<u64> {
        let ages = self.iter(now_ms).filter_map(|fault| match &fault.kind {
            Kind::TokensExpire {
                region: it,
                older_than_ms,
            } if it == region => {
                odds.struck(&fault.kind);
                Some(*older_than_ms)
            }
            _ => None,
        });
        ages.min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::faults;
    use crate::odds::tests::Counting;

    fn telling() -> Telling {
        Telling {
            key_id: "k".into(),
            ..Telling::default()
        }
    }

    #[test]
    fn a_stretched_phase_withholds_what_would_end_it_from_one_region() {
        let stretch = |key_id: Option<&str>| Kind::Stretch {
            phase: Phase::Prepare,
            region: "eu-west-1".into(),
            key_id: key_id.map(str::to_owned),
        };
        let prepare = Telling {
            ends: vec![Phase::Prepare],
            ..telling()
        };
        let any = faults([stretch(None)], 10);
        assert!(any.withholds(
            ("us-east-1", "eu-west-1"),
            &prepare,
            0,
            &mut Counting::default()
        ));
        assert!(!any.withholds(
            ("us-east-1", "sa-east-1"),
            &prepare,
            0,
            &mut Counting::default()
        ));
        assert!(!any.withholds(
            ("us-east-1", "eu-west-1"),
            &telling(),
            0,
            &mut Counting::default()
        ));
        assert!(!any.withholds(
            ("us-east-1", "eu-west-1"),
            &prepare,
            10,
            &mut Counting::default()
        ));
        let other = faults([stretch(Some("other"))], 10);
        assert!(!other.withholds(
            ("us-east-1", "eu-west-1"),
            &prepare,
            0,
            &mut Counting::default()
        ));
        assert_eq!(other.withholding(0), ["0"]);
    }

    #[test]
    fn a_held_material_withholds_the_word_of_the_region_that_holds_it() {
        let hold = |material: Option<&str>| {
            let kind = Kind::MaterialHold {
                region: "eu-west-1".into(),
                key_id: Some("k".into()),
                material: material.map(str::to_owned),
            };
            faults([kind], 10)
        };
        let told = Telling {
            held: vec!["first".into(), "new".into()],
            waiting: vec!["new".into()],
            ..telling()
        };
        assert!(hold(None).withholds(
            ("eu-west-1", "us-east-1"),
            &told,
            0,
            &mut Counting::default()
        ));
        assert!(hold(Some("first")).withholds(
            ("eu-west-1", "us-east-1"),
            &told,
            0,
            &mut Counting::default()
        ));
        assert!(!hold(Some("other")).withholds(
            ("eu-west-1", "us-east-1"),
            &told,
            0,
            &mut Counting::default()
        ));
        assert!(!hold(None).withholds(
            ("us-east-1", "eu-west-1"),
            &told,
            0,
            &mut Counting::default()
        ));
        assert!(!hold(None).withholds(
            ("eu-west-1", "us-east-1"),
            &telling(),
            0,
            &mut Counting::default()
        ));
    }

    #[test]
    fn the_shortest_life_of_a_token_counts() {
        let expire = |region: &str, older_than_ms| Kind::TokensExpire {
            region: region.into(),
            older_than_ms,
        };
        let all = faults(
            [
                expire("us-east-1", 50),
                expire("us-east-1", 20),
                expire("eu-west-1", 0),
            ],
            10,
        );
        assert_eq!(
            all.tokens_expire_after_ms("us-east-1", 0, &mut Counting::default()),
            Some(20)
        );
        assert_eq!(
            all.tokens_expire_after_ms("eu-west-1", 0, &mut Counting::default()),
            Some(0)
        );
        assert_eq!(
            all.tokens_expire_after_ms("sa-east-1", 0, &mut Counting::default()),
            None
        );
        assert_eq!(
            all.tokens_expire_after_ms("us-east-1", 10, &mut Counting::default()),
            None
        );
    }
}
