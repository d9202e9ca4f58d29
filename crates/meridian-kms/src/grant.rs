//! Grants: permissions to use one key in one region, each for one principal.
//! They need no policy, and go with their key.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use meridian_iam::Naming;
use meridian_proto::v1;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::arn::{AccountId, KeyRef, RegionName};
use crate::grant_operation::GrantOperation;
use crate::principal_arn;
use crate::time::Timestamp;

/// Grants of one key (AWS resource quota).
pub const GRANTS_PER_KEY_MAX: usize = 50_000;

/// The ID of a grant among those of its key: 64 hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GrantId(pub [u8; 32]);

impl fmt::Display for GrantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// Not 64 lower-case hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a grant ID")]
pub struct MalformedGrantId;

impl FromStr for GrantId {
    type Err = MalformedGrantId;

    fn from_str(text: &str) -> Result<GrantId, MalformedGrantId> {
        let mut bytes = [0; 32];
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(MalformedGrantId);
        }
        hex::decode_to_slice(text, &mut bytes).map_err(|_| MalformedGrantId)?;
        Ok(GrantId(bytes))
    }
}

impl Serialize for GrantId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for GrantId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<GrantId, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// Who is given a grant, or may retire it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Party {
    /// An AWS principal, by ARN.
    Principal(String),
    /// An AWS service.
    Service(String),
}

impl Party {
    /// How it names a caller: directly whoever acts as the one meant.
    pub fn naming(&self, caller: &str) -> Naming {
        match self {
            Party::Principal(arn) => principal_arn::naming(arn, caller),
            Party::Service(name) if name == caller => Naming::Directly,
            Party::Service(_) => Naming::Not,
        }
    }

    fn principal(&self) -> Option<String> {
        match self {
            Party::Principal(arn) => Some(arn.clone()),
            Party::Service(_) => None,
        }
    }

    fn service(&self) -> Option<String> {
        match self {
            Party::Principal(_) => None,
            Party::Service(name) => Some(name.clone()),
        }
    }
}

/// When a grant applies: always, without any.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Constraints {
    /// The encryption context must contain all of this.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub context_subset: BTreeMap<String, String>,
    /// The encryption context must be exactly this.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub context_equals: BTreeMap<String, String>,
    /// The resource on whose behalf a service must call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_arn: Option<String>,
}

impl Constraints {
    /// True without any constraint.
    pub fn is_empty(&self) -> bool {
        *self == Constraints::default()
    }

    /// Does an encryption context meet them?
    pub fn admit_context(&self, context: &BTreeMap<String, String>) -> bool {
        let contained = |(key, value)| context.get(key) == Some(value);
        let equal = self.context_equals.is_empty() || self.context_equals == *context;
        equal && self.context_subset.iter().all(contained)
    }

    /// Is everything that meets `child` met by these too? A grant may only
    /// hand on what it gives.
    pub fn contain(&self, child: &Constraints) -> bool {
        let source = self.source_arn.is_none() || self.source_arn == child.source_arn;
        let equals = self.context_equals.is_empty() || self.context_equals == child.context_equals;
        let implied = if child.context_equals.is_empty() {
            &child.context_subset
        } else {
            &child.context_equals
        };
        let subset = self
            .context_subset
            .iter()
            .all(|(key, value)| implied.get(key) == Some(value));
        source && equals && subset
    }

    fn to_proto(&self) -> Option<v1::GrantConstraints> {
        (!self.is_empty()).then(|| v1::GrantConstraints {
            encryption_context_subset: self.context_subset.clone(),
            encryption_context_equals: self.context_equals.clone(),
            source_arn: self.source_arn.clone(),
        })
    }
}

/// One grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// When it was made, in whole seconds.
    pub created: Timestamp,
    /// The account that made it.
    pub issuer: AccountId,
    /// The name that makes a repeated request return the same grant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Who may use the key.
    pub grantee: Party,
    /// Who else may retire the grant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retiring: Option<Party>,
    /// What it allows, in the order of the request.
    pub operations: Vec<GrantOperation>,
    /// When it applies.
    #[serde(default, skip_serializing_if = "Constraints::is_empty")]
    pub constraints: Constraints,
}

impl Grant {
    /// How ListGrants and ListRetirableGrants show it.
    pub(crate) fn entry(&self, id: GrantId, key: &KeyRef, here: &RegionName) -> v1::GrantListEntry {
        let operations = self.operations.iter().map(|it| it.name().to_owned());
        v1::GrantListEntry {
            key_id: Some(key.arn(here)),
            grant_id: Some(id.to_string()),
            name: Some(self.name.clone().unwrap_or_default()),
            creation_date: Some(self.created.to_proto()),
            grantee_principal: self.grantee.principal(),
            retiring_principal: self.retiring.as_ref().and_then(Party::principal),
            issuing_account: Some(principal_arn::root(self.issuer, here)),
            operations: operations.collect(),
            constraints: self.constraints.to_proto(),
            grantee_service_principal: self.grantee.service(),
            retiring_service_principal: self.retiring.as_ref().and_then(Party::service),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let pair = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        pairs.iter().map(pair).collect()
    }

    fn subset(pairs: &[(&str, &str)]) -> Constraints {
        Constraints {
            context_subset: context(pairs),
            ..Default::default()
        }
    }

    fn equals(pairs: &[(&str, &str)]) -> Constraints {
        Constraints {
            context_equals: context(pairs),
            ..Default::default()
        }
    }

    #[test]
    fn a_subset_admits_more_and_equality_nothing_else() {
        let (one, both) = (&[("a", "1")][..], &[("a", "1"), ("b", "2")][..]);
        for (constraints, given, admitted) in [
            (Constraints::default(), both, true),
            (subset(one), both, true),
            (subset(both), one, false),
            (subset(&[("a", "2")]), both, false),
            (equals(one), one, true),
            (equals(one), both, false),
            (equals(both), one, false),
        ] {
            assert_eq!(constraints.admit_context(&context(given)), admitted);
        }
    }

    #[test]
    fn a_grant_hands_on_no_more_than_it_gives() {
        let (one, both) = (&[("a", "1")][..], &[("a", "1"), ("b", "2")][..]);
        for (parent, child, contained) in [
            (Constraints::default(), Constraints::default(), true),
            (subset(one), Constraints::default(), false),
            (subset(one), subset(both), true),
            (subset(both), subset(one), false),
            (subset(one), equals(both), true),
            (equals(one), equals(one), true),
            (equals(one), subset(one), false),
        ] {
            assert_eq!(parent.contain(&child), contained, "{parent:?} {child:?}");
        }
    }

    #[test]
    fn a_grant_id_is_64_hex_digits() {
        let text = "0f".repeat(32);
        assert_eq!(text.parse::<GrantId>().unwrap().to_string(), text);
        for text in ["", "0f", &"0F".repeat(32), &"0g".repeat(32)] {
            assert!(text.parse::<GrantId>().is_err(), "{text}");
        }
    }
}
