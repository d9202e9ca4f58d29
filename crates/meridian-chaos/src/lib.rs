//! What can go wrong, where and for how long: pure data and a decision.
//!
//! A [`Fault`] is wrong somewhere until it ends. A seam asks the active
//! [`Faults`] what happens at its [`Site`] right now and obeys the
//! [`Effect`]. Kinds of fault are many, effects are few. There is no clock
//! and no source of chance here: the time and the [`Odds`] come in.
//!
//! The simulator asks in more detail: for the [`Passage`] of a message, the
//! [`Condition`] of a node, the fate of a proposal and the reception of a call.

pub mod condition;
pub mod delay;
pub mod effect;
pub mod fault;
pub mod faults;
pub mod kind;
pub mod odds;
pub mod passage;
pub mod site;

pub use condition::{Condition, ProposalFate, Reception};
pub use delay::Delay;
pub use effect::Effect;
pub use fault::Fault;
pub use faults::Faults;
pub use kind::{Kind, Link, Place};
pub use odds::Odds;
pub use passage::Passage;
pub use site::Site;
