//! The whole file.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::account::Account;
use crate::key::SeededKey;

/// The version of the format.
pub const VERSION: u32 = 1;

/// What a cluster begins with.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Seed {
    /// The version of the format: 1.
    pub version: u32,
    /// Whether callers have to prove who they are, and policies decide.
    #[serde(default)]
    pub authorization: Authorization,
    /// Accounts and their principals.
    #[serde(default)]
    pub accounts: Vec<Account>,
    /// Keys.
    #[serde(default)]
    pub keys: Vec<SeededKey>,
}

/// Who may do what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Authorization {
    /// Any signature does, and an account may do everything with its own keys.
    #[default]
    Open,
    /// Signatures are verified; key policies, grants and identity policies
    /// decide.
    Enforced,
}
