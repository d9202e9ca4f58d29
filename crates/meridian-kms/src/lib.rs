//! What AWS KMS means for one region: a pure state machine and the rules that
//! surround it.
//!
//! A request passes through in two steps. [`Region::plan`] checks it, and does
//! whatever needs secrets or randomness; a read is answered there. A write
//! becomes a [`Change`], which the node proposes; once it is committed,
//! [`Region::apply`] carries it out, the same on every node. A fact from
//! another region takes the same way: [`Region::plan_facts`], then `apply`.
//!
//! There is no clock, no socket, no disk, no task and no source of randomness
//! in this crate: time and [`Entropy`](meridian_crypto::Entropy) come in as
//! arguments.

// The fixture names this crate as the tests outside of it do.
#[cfg(test)]
extern crate self as meridian_kms;

#[cfg(test)]
mod fixture;

pub mod admission;
pub mod alias;
pub mod arn;
pub mod asked;
pub mod asymmetric;
pub mod authority;
pub mod authorization;
pub mod automatic_rotation;
pub mod caller;
pub mod conditions;
pub mod context;
pub mod cryptography;
pub mod difference;
pub mod durable;
pub mod error;
pub mod forgotten;
pub mod grant;
pub mod grant_operation;
pub mod grant_token;
pub mod grant_use;
pub mod key;
pub mod key_policy;
pub mod key_set;
pub mod key_set_state;
pub mod key_state;
pub mod key_store;
pub mod key_usage;
pub mod last_usage;
pub mod long_work;
pub mod managed_key;
pub mod material;
pub mod metadata;
pub mod older_view;
pub mod ops;
pub mod page;
pub mod planted;
pub mod policy;
pub mod principal_arn;
pub mod public_key;
pub mod recipient;
pub mod region;
pub mod replication;
pub mod service_event;
pub mod suitability;
pub mod tag;
pub mod time;
pub mod trace;

pub use arn::{AccountId, KeyId, KeyRef, RegionName};
pub use authority::Authority;
pub use caller::Caller;
pub use context::{Chosen, Context};
pub use error::{ErrorCode, KmsError};
pub use key_state::KeyState;
pub use key_store::{ProxyAnswer, ProxyQuestion, Told};
pub use ops::{Change, Consistency, Inquiry, Operation, Plan, Request, Response};
pub use region::{Entry, Outcome, Outgoing, Region};
pub use replication::preflight::{Answer, Question};
pub use time::Timestamp;
