//! Who may do what: the policy language of IAM and how KMS evaluates it.
//!
//! How one question passes through:
//!
//! 1. Key policies and identity policies are read once into [`PolicyDocument`];
//!    what AWS would refuse to store is a [`PolicyError`].
//! 2. A request becomes a [`Query`]: the [`Principal`] who asks, the action, the
//!    resource, and its [`ConditionValues`].
//! 3. [`evaluate`] weighs all policies and the grants that fit, and gives a
//!    [`Decision`]; [`access_denied`] words a denial as AWS does.
//!
//! Whether a request comes from whom it names is the question of [`signature`].
//!
//! There is no clock here, no state and no key: every function answers from its
//! arguments alone.

mod access_denied;
mod arn;
mod condition;
mod conditions;
mod directory;
mod evaluate;
mod json;
mod moment;
mod network;
mod operator;
mod pattern;
mod policy;
mod policy_error;
mod principal;
mod principals;
pub mod signature;
mod statement;

pub use access_denied::{Subject, access_denied};
pub use conditions::{ConditionValues, Conditions};
pub use directory::{AccessKey, Directory, Identity, Session, TokenError};
pub use evaluate::{Decision, Query, Reason, evaluate};
pub use policy::PolicyDocument;
pub use policy_error::PolicyError;
pub use principal::{Principal, PrincipalKind, UnknownPrincipal};
pub use principals::Naming;
