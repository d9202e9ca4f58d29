//! What can go wrong, where and for how long: pure data and a decision.
//!
//! A [`Fault`] is wrong somewhere until it ends. A seam asks the active
//! [`Faults`] what happens at its [`Site`] right now and obeys the
//! [`Effect`]. Kinds of fault are many, effects are few. There is no clock
//! here: the time comes in.

pub mod effect;
pub mod fault;
pub mod faults;
pub mod site;

pub use effect::Effect;
pub use fault::{Fault, Kind};
pub use faults::Faults;
pub use site::Site;
