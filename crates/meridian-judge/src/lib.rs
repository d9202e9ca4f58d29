//! The judge: reads a history and says of each promise how often it was looked
//! at with something at stake, and whether it was kept.
//!
//! It reads a [`History`] from either driver, the simulator or a live cluster.
//!
//! One file holds one promise. A promise sees everything in order, remembers
//! what it needs, and objects at the first thing that breaks it. It trusts no
//! report: what a region held or knew is what was seen there.

pub mod durations;
pub mod history;
pub mod linearizable;
pub mod narration;
pub mod record;
pub mod sighting;
pub mod verdict;

mod acknowledged;
mod ambiguous_replica;
mod bounded_time;
mod bytes_stay_home;
mod causes;
mod consistency;
mod convergence;
mod decryptable;
mod disturbances;
mod freshness;
mod happened;
mod import_before_rotate;
mod independence;
mod key_model;
mod key_states;
mod materials;
mod mixed_window;
mod never_backwards;
mod one_id;
mod one_primary;
mod panel;
mod sessions;
mod witness;

pub use causes::Cause;
pub use durations::Durations;
pub use panel::{Judge, ONE_STATE_PER_INDEX};
pub use record::{History, HistoryError};
pub use verdict::{Count, Timings, Verdict, Violation};
