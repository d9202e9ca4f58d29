//! One fault: what is wrong, and until when.

use serde::{Deserialize, Serialize};

use crate::Kind;

/// Something that is wrong until it ends or is removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Names it for removal.
    pub id: String,
    /// What is wrong.
    pub kind: Kind,
    /// When it ends by itself, in milliseconds of the machine's own clock, not
    /// of the cluster's, which may be moved. Without an end it lasts until it
    /// is removed, as an operator who cuts a link by hand expects.
    pub ends_at_ms: Option<i64>,
}

impl Fault {
    /// True once its time is over.
    pub fn has_ended(&self, now_ms: i64) -> bool {
        self.ends_at_ms.is_some_and(|end| end <= now_ms)
    }
}
