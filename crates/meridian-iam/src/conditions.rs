//! What a request says about itself, by condition key.

use std::borrow::Cow;
use std::collections::BTreeMap;

/// What a request says about itself, asked for one condition key at a time:
/// most policies look at few, or at none.
pub trait ConditionValues {
    /// The values of a key, which is in lower case; none if the request does not
    /// have it.
    fn values(&self, key: &str) -> Vec<Cow<'_, str>>;
}

/// Condition keys and their values. Keys are compared without regard to case;
/// `kms:EncryptionContext:Department` and `aws:ResourceTag/Owner` are keys too.
///
/// What follows from the principal and the resource themselves, such as
/// `aws:PrincipalArn` or `kms:CallerAccount`, is known without being put here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions(BTreeMap<String, Vec<String>>);

impl Conditions {
    /// Nothing known.
    pub fn new() -> Conditions {
        Conditions::default()
    }

    /// Adds one value of a key.
    pub fn add(&mut self, key: &str, value: impl Into<String>) {
        let values = self.0.entry(key.to_lowercase()).or_default();
        values.push(value.into());
    }

    /// Makes a key one with several values: there, even if it has none.
    pub fn add_all<V: Into<String>>(&mut self, key: &str, values: impl IntoIterator<Item = V>) {
        let all = self.0.entry(key.to_lowercase()).or_default();
        all.extend(values.into_iter().map(Into::into));
    }
}

impl ConditionValues for Conditions {
    fn values(&self, key: &str) -> Vec<Cow<'_, str>> {
        let values = self.0.get(key).map_or(&[][..], Vec::as_slice);
        values.iter().map(|it| Cow::Borrowed(it.as_str())).collect()
    }
}

impl<K: AsRef<str>, V: Into<String>> FromIterator<(K, V)> for Conditions {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Conditions {
        let mut conditions = Conditions::new();
        for (key, value) in pairs {
            conditions.add(key.as_ref(), value);
        }
        conditions
    }
}
