//! Many regions in one thread in virtual time, judged.
//!
//! A run follows from one seed, bit for bit. [`run::run`] draws its shape, its
//! timeline of faults and its clients' operations; events happen in the order
//! of virtual time, each in a world of modelled Raft groups that run the
//! production code of `meridian-kms`: plan and apply, facts and feeds, what is
//! due. The [`meridian_judge::Judge`] sees every commit, every fact and every call, and says
//! which promise was broken first.
//!
//! There is no clock, no randomness, no thread and no hash map here.

pub mod agenda;
pub mod batch;
pub mod coverage;
pub mod dice;
pub mod planted;
pub mod run;
pub mod scenario;
pub mod script;
pub mod shrink;
pub mod wrapping;

mod answers;
mod call;
mod client;
mod conditions;
mod elections;
mod errand;
mod event;
mod event_log;
mod feeds;
mod group;
mod keepsake;
mod links;
mod nemesis;
mod node;
mod planning;
mod preflight;
mod raft;
mod stage;
mod story;
mod ticker;
mod views;
mod words;
mod workload;
mod world;
mod wrong;

pub use batch::Batch;
pub use coverage::Coverage;
pub use run::{Plan, Report, run};
pub use scenario::{Performed, Refusal, perform};
pub use shrink::{Shrunk, shrink};
