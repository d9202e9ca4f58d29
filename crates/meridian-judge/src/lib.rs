//! The judge: reads a history and says of each promise how often it was looked
//! at with something at stake, and whether it was kept.
//!
//! It reads a [`History`] from either driver, the simulator or a live cluster.
//!
//! One file holds one promise. A promise sees everything in order, remembers
//! what it needs, and objects at the first thing that breaks it. It trusts no
//! report: what a region held or knew is what was seen there.

pub mod history;
pub mod linearizable;
pub mod record;
pub mod sighting;
pub mod verdict;

mod acknowledged;
mod bytes_stay_home;
mod consistency;
mod convergence;
mod decryptable;
mod import_before_rotate;
mod independence;
mod key_states;
mod materials;
mod never_backwards;
mod one_primary;
mod panel;
mod sessions;
mod witness;

pub use panel::Judge;
pub use record::{History, HistoryError};
pub use verdict::{Count, Violation};
