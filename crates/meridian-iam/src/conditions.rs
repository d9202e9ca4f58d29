//! What a request says about itself, by condition key.

use std::cell::LazyCell;
use std::collections::BTreeMap;

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

    /// The values of a key in lower case.
    pub(crate) fn values(&self, key: &str) -> Option<&[String]> {
        self.0.get(key).map(Vec::as_slice)
    }
}

/// What a request says about itself, from when a policy first looks at it.
pub trait Gathered {
    /// All of it.
    fn gathered(&self) -> &Conditions;
}

impl Gathered for Conditions {
    fn gathered(&self) -> &Conditions {
        self
    }
}

impl<F: FnOnce() -> Conditions> Gathered for LazyCell<Conditions, F> {
    fn gathered(&self) -> &Conditions {
        self
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
