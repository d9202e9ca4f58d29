//! Aliases: names of a region that point to its keys.

use serde::{Deserialize, Serialize};

use crate::arn::KeyId;
use crate::time::Timestamp;

/// Aliases that may point to one key (AWS resource quota).
pub const ALIASES_PER_KEY_MAX: usize = 50;

/// One alias.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alias {
    /// The key it points to, in the same account.
    pub target: KeyId,
    /// When it was created.
    pub created: Timestamp,
    /// When it was last pointed elsewhere.
    pub updated: Timestamp,
}
