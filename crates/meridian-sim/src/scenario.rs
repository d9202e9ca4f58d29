//! Scenarios in virtual time: what a [`meridian_scenario::Performance`] finds
//! due is done in a world, which is judged as in every run.

mod drawn;
mod fit;
mod lines;
mod perform;
mod show;
mod tasks;

pub(crate) use lines::Lines;

pub use fit::Refusal;
pub use perform::{Performed, Wanted, perform};
