//! What a cluster begins with, as data: accounts with their principals, and keys
//! with their material, replicas, aliases and policies.
//!
//! [`read`] turns a file, YAML or JSON, into a [`Seed`] that is right in itself;
//! [`Seed::directory`] gives those who can authenticate. Putting the keys into
//! regions is the node's.
//!
//! A seed holds secrets: nothing that has one can be printed or written, and all
//! of it is wiped on drop.

mod account;
mod check;
mod directory;
mod key;
mod reading;
pub mod schema;
mod secret_text;
mod seed;

pub use account::{AccessKeyText, Account, Role, RoleSession, Root, User};
pub use key::{SeededGrant, SeededKey, SeededMaterial};
pub use reading::{SeedError, read};
pub use secret_text::SecretText;
pub use seed::{Authorization, Seed, VERSION};
