//! A key's policy as it is kept: a text, and what it says, read once.

use std::fmt;
use std::sync::{Arc, OnceLock};

use meridian_iam::PolicyDocument;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The policy of one key; absent for the default one. Clones share what was
/// read.
#[derive(Clone, Default)]
pub struct KeyPolicy {
    text: Option<String>,
    read: Arc<OnceLock<Option<PolicyDocument>>>,
}

impl KeyPolicy {
    /// The text that was put, if one was.
    pub fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// What it says; nothing for a text that is no policy, which only an older
    /// release took.
    pub fn document(&self, default: impl FnOnce() -> String) -> Option<&PolicyDocument> {
        let read = || match &self.text {
            Some(text) => PolicyDocument::parse(text).ok(),
            None => PolicyDocument::parse(&default()).ok(),
        };
        self.read.get_or_init(read).as_ref()
    }
}

impl From<Option<String>> for KeyPolicy {
    fn from(text: Option<String>) -> KeyPolicy {
        KeyPolicy {
            text,
            read: Arc::default(),
        }
    }
}

impl PartialEq for KeyPolicy {
    fn eq(&self, other: &KeyPolicy) -> bool {
        self.text == other.text
    }
}

impl Eq for KeyPolicy {}

impl fmt::Debug for KeyPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

impl Serialize for KeyPolicy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.text.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for KeyPolicy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<KeyPolicy, D::Error> {
        Option::<String>::deserialize(deserializer).map(KeyPolicy::from)
    }
}
