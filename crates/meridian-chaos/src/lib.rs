//! What can go wrong, where and for how long: pure data and a decision.
//!
//! A [`Fault`] is wrong somewhere until it ends. A seam asks the active
//! [`Faults`] what is the matter right now and obeys: the [`Passage`] of a
//! message on a link, the [`Condition`] of a node, the [`Reception`] of a call
//! at the front door, the age of the view that a read sees, the fate of a
//! proposal, the fact that stays at its author. There is no clock and no source of chance here: the time and the
//! [`Odds`] come in.

pub mod calls;
pub mod census;
pub mod condition;
pub mod delay;
pub mod fault;
pub mod faults;
pub mod kind;
pub mod odds;
pub mod passage;
pub mod place;
pub mod profile;
pub mod queue;
pub mod staleness;
pub mod telling;
pub mod wire;

#[cfg(test)]
mod fixture;

pub use calls::{Call, Calls, Reception};
pub use condition::{Condition, ProposalFate};
pub use delay::Delay;
pub use fault::Fault;
pub use faults::Faults;
pub use kind::Kind;
pub use odds::Odds;
pub use passage::Passage;
pub use place::{Link, Place};
pub use profile::Profile;
pub use queue::Queue;
pub use staleness::{Property, Staleness};
pub use telling::{Phase, Telling};
pub use wire::{FaultError, Nodes};
